import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { AccountStore } from '../accounts/account-store.ts'
import type { Committee } from '../committee.ts'
import type { Records } from '../records.ts'
import type { Clock } from '../sessions/clock.ts'
import { decisionOf, isVote, type Vote, voteMessage } from './assignment-votes.ts'
import type { CertifiedKeys } from './certified-keys.ts'
import type { KeyStore } from './key-store.ts'
import type { OpenAssignment } from './open-assignment.ts'
import { shareName } from './pending-batch.ts'
import { PerSecond } from './per-second.ts'
import type { ReadyKeys } from './ready-keys.ts'

/** Votes of one member's letters that are verified in a second: some 20 ms of it, and many accounts. */
const MAX_VERIFIED_PER_SECOND = 256

export interface BallotInit {
  readonly committee: Committee
  readonly records: Records
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly accounts: AccountStore
  readonly certified: CertifiedKeys
  readonly ready: ReadyKeys
  readonly keys: Pick<KeyStore, 'pendingWith'>
  /** A genuine vote named a key that is not ready here: perhaps its batch is still pending. */
  readonly onUnknownKey: (keyId: Uint8Array) => void
}

/** Which votes of others count here, and for which keys this guest may give its own, or follow a decision. */
export class Ballot {
  readonly #init: BallotInit
  readonly #verified: PerSecond

  constructor(init: BallotInit) {
    this.#init = init
    this.#verified = new PerSecond(() => init.clock.monotonicMs(), MAX_VERIFIED_PER_SECOND)
  }

  /** This guest's vote, signed: durable before anyone hears of it. */
  sign(accountId: Uint8Array, keyId: Uint8Array, final: boolean): Vote {
    const { committee, records } = this.#init
    const signature = records.sign(voteMessage(committee, accountId, { keyId, final }))
    return { party: committee.me.index, final, keyId, signature }
  }

  /**
   * A first vote of a key's owner: what a member that heard nothing of the account yet can act upon. So is its
   * own, which it forgot when its disk was restored.
   */
  isNaming({ party, final, keyId }: Vote): boolean {
    const { committee, keys, ready } = this.#init
    if (final) return false
    const purpose = keys.pendingWith(keyId)?.purpose
    const owner = purpose?.kind === 'ready' ? purpose.owner : ready.ownerOf(keyId)
    return owner !== undefined && (owner === party || party === committee.me.index)
  }

  /**
   * Votes that were given by whom they name, so far as they matter: those of whom nothing is known yet; all, when
   * together they would be a decision. None new, when `from` had too many verified in this second.
   */
  genuine(
    from: PartyIndex,
    accountId: Uint8Array,
    votes: readonly Vote[],
    open?: OpenAssignment,
  ): Vote[] {
    const { committee } = this.#init
    const decides = decisionOf(votes, committee.guests.length, committee.quorum) !== undefined
    const wanted = votes.filter((vote) => decides || open?.has(vote) !== true)
    const known = wanted.flatMap((vote) => open?.same(vote) ?? [])
    const fresh = wanted.filter((vote) => open?.same(vote) === undefined)
    if (!this.#verified.take(from, fresh.length)) return known
    return [...known, ...fresh.filter((vote) => isVote(committee, accountId, vote))]
  }

  /** Whether this guest gave no vote for the key to any other account, and follows no other with it. */
  mayVoteFor(open: OpenAssignment, keyId: Uint8Array): boolean {
    const own = [open.vote(false), open.vote(true)]
    if (own.some((vote) => vote !== undefined && equal(vote.keyId, keyId))) return true
    if (this.#init.ready.ownerOf(keyId) !== undefined) return true
    this.#init.onUnknownKey(keyId)
    return false
  }

  /**
   * Whether this guest has the key, its batch certified, and no account with it. Its own votes are no reason
   * against what is decided: it may have been told other first votes than the rest, and be alone with its own.
   * That another account has the key can only be when more than f members lied or forgot; then it stays open.
   */
  async mayFollow(open: OpenAssignment, keyId: Uint8Array): Promise<boolean> {
    const { records, keys, accounts, certified } = this.#init
    if (this.mayVoteFor(open, keyId)) return true
    if (keys.pendingWith(keyId) !== undefined) return false
    if ((await records.sharePart(shareName(keyId))) === undefined) return false
    for (const accountId of certified.accountsOf(keyId)) {
      if (equal(accountId, open.accountId)) continue
      const account = await accounts.get(accountId)
      if (account !== undefined && equal(account.certificate.keyId, keyId)) return false
    }
    return true
  }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
