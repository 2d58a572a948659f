import type { Random } from '../../../protocols/crypto/random.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Committee, otherGuests } from '../committee.ts'

/** Keys in a row that get the same signers: presignatures with the same signers are made together. */
const KEYS_PER_DRAW = 32

export interface LikelySignersInit {
  readonly committee: Pick<Committee, 'me' | 'guests' | 'threshold'>
  readonly random: Random
  /** Whether this guest could sign with the other now. */
  readonly isAble: (peer: PartyIndex) => boolean
  /** No two of these are banned from each other. */
  readonly mayAll: (signers: readonly PartyIndex[]) => boolean
}

/**
 * Signers for keys that nobody signed with yet: this guest and t − 1 others, drawn at random of those that are able
 * to, so that no member has all of the work; the same for some keys in a row.
 */
export class LikelySigners {
  readonly #init: LikelySignersInit
  #drawn: readonly PartyIndex[] = []
  #left = 0

  constructor(init: LikelySignersInit) {
    this.#init = init
  }

  /** Ascending; undefined where too few are able to. */
  next(): readonly PartyIndex[] | undefined {
    if (this.#left-- <= 0 || !this.#isGood(this.#drawn)) {
      const drawn = this.#draw()
      this.#left = KEYS_PER_DRAW - 1
      this.#drawn = drawn ?? []
    }
    return this.#drawn.length > 0 ? this.#drawn : undefined
  }

  #isGood(signers: readonly PartyIndex[]): boolean {
    const { committee, isAble, mayAll } = this.#init
    const { me, threshold } = committee
    const others = signers.filter((party) => party !== me.index)
    return signers.length === threshold && others.every(isAble) && mayAll(signers)
  }

  #draw(): readonly PartyIndex[] | undefined {
    const { committee, random, isAble, mayAll } = this.#init
    const { me, threshold } = committee
    const signers = [me.index]
    const drawn = otherGuests(committee)
      .filter(({ index }) => isAble(index))
      .map(({ index }) => ({ index, lot: Buffer.from(random(4)).readUInt32BE() }))
      .sort((a, b) => a.lot - b.lot)
    for (const { index } of drawn)
      if (signers.length < threshold && mayAll([...signers, index])) signers.push(index)
    return signers.length === threshold ? signers.sort((a, b) => a - b) : undefined
  }
}
