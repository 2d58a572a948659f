import { PairGate } from '../../../protocols/pair-setup/gate.ts'
import { rounds } from '../../../protocols/pair-setup/messages.ts'
import type { setUpPair } from '../../../protocols/pair-setup/set-up-pair.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { seeded } from '../../support/seeded.ts'
import { type DealtPair, dealPair, type OpenKernel } from '../../support/trusted-setup.ts'

/** Handles of one half. */
const HANDLES = 3

/** Pair setups from a trusted dealer, in place of the conversation of 02 §2. */
export class DealtSetups {
  readonly #seed: string
  readonly #openOf: (index: PartyIndex) => OpenKernel
  readonly #halves = new Map<string, { readonly owner: OpenKernel; readonly half: DealtPair }>()

  constructor(seed: string, openOf: (index: PartyIndex) => OpenKernel) {
    this.#seed = seed
    this.#openOf = openOf
  }

  /** A conversation of one small round, after which both sides hold what the dealer gave them. */
  converse(me: PartyIndex): typeof setUpPair {
    return async (party, _kernel, _random, { epochId, mine, theirs, attempt }) => {
      const hello = {
        nonce: new Uint8Array(32),
        A: new Uint8Array(33).fill(2),
        commitment: new Uint8Array(32).fill(attempt & 0xff),
      }
      await party.deal(rounds.commit, () => hello)
      const lo = Buffer.compare(mine.id, theirs.id) < 0
      const session = Buffer.from(party.instanceId).toString('hex')
      const waiting = this.#halves.get(`${session}/${me}`)?.half
      this.#halves.delete(`${session}/${me}`)
      const half = waiting ?? this.#deal(session, me, theirs.index, lo)
      const setupId = seeded(`${session}/id`)(32)
      return { setupId, ...half, epochId, lo, gate: new PairGate() }
    }
  }

  /** Handles that the dealer placed in this kernel and nobody took. */
  unclaimedBy(open: OpenKernel): number {
    return HANDLES * [...this.#halves.values()].filter(({ owner }) => owner === open).length
  }

  #deal(session: string, me: PartyIndex, peer: PartyIndex, lo: boolean): DealtPair {
    const [mine, theirs] = [this.#openOf(me), this.#openOf(peer)]
    const random = seeded(`${this.#seed}/${session}`)
    const dealt = lo ? dealPair(random, mine, theirs) : dealPair(random, theirs, mine)
    this.#halves.set(`${session}/${peer}`, { owner: theirs, half: lo ? dealt.hi : dealt.lo })
    return lo ? dealt.lo : dealt.hi
  }
}
