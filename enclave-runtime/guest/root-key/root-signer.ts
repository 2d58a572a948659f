import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import type { Handle, Kernel, Signature } from '../../../protocols/kernel/kernel.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { u8 } from '../../../protocols/session/codec.ts'
import { type Fault, type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { type Guest, guestAt } from '../../../protocols/session/guest.ts'
import { FORMS, instanceId, KINDS } from '../../../protocols/session/instance.ts'
import type { Party } from '../../../protocols/session/round.ts'
import { derive } from '../../../protocols/sign/bip32.ts'
import { sign } from '../../../protocols/sign/sign.ts'
import type { NotYetReason } from '../sessions/answer-letters.ts'
import type { ChoiceRoom } from '../sessions/choice-room.ts'
import { Declined } from '../sessions/followers.ts'
import { openEverywhere } from '../sessions/lead-session.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import { VaultError } from '../vault/vault-error.ts'
import { digestOf, obstacleTo, type RootFields, type RootView, type Statement } from './domains.ts'
import { foundIn, NotSigned, notSigned, notSignedHere } from './not-signed.ts'
import { decodeRootOpening, encodeRootOpening } from './root-opening.ts'
import type { RootKey, RootRoom } from './root-room.ts'

/** 02 §11, from the opening on. */
const SIGN_MS = 10_000
/** How long a signature led here waits for room in the kernel. */
const IN_LINE_MS = 1_000
const RETRY_MS = 500

export interface RootSignerInit {
  readonly kernel: Kernel
  readonly random: Random
  /** Shared with everything else that multiplies in this guest's kernel. */
  readonly choices: ChoiceRoom
  readonly view: RootView
  /** Another conversation, for tests. */
  readonly converse?: typeof sign
}

/** How a session ended here that another guest led: with 65 bytes, or with a fault that this guest found out itself, if it did. */
export type Followed = (
  statement: Statement,
  signers: readonly PartyIndex[],
  end: { readonly signature: Uint8Array } | { readonly found: Fault | undefined },
) => void

/** One signature as this guest computes it from its own view (02 §11). */
interface RootPlan {
  readonly key: RootKey
  readonly digest: Uint8Array
  readonly guests: readonly Guest[]
  readonly instanceId: Uint8Array
}

/**
 * The one place that signs with the committee's root key (03 §1.2): in full, over the pair setups of an epoch's room,
 * what each signer computed itself from its own records. No caller hands it a digest.
 */
export class RootSigner {
  readonly #init: RootSignerInit

  constructor(init: RootSignerInit) {
    this.#init = init
  }

  /**
   * A signature of 65 bytes (r, low s, recovery id) by exactly these t members, this guest among them. Throws
   * `NotSigned`; a defect of the store as it is.
   */
  async lead<D extends keyof RootFields>(
    room: RootRoom,
    domain: D,
    fields: RootFields[D],
    signers: readonly PartyIndex[],
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const statement = { domain, fields } as Statement
    const { me } = room.committee
    if (!isSignerSet(room, signers) || !signers.includes(me.index))
      throw new Error('bug: not a set of signers with this guest')
    const obstacle = obstacleTo(room.committee.epochId, statement, this.#init.view)
    if (obstacle !== undefined) throw notSignedHere(obstacle, me.index, RETRY_MS)
    const nonce = this.#init.random(32)
    const plan = planOf(room, statement, signers, nonce)
    if (plan === undefined) throw notSignedHere({ later: 'behind' }, me.index, RETRY_MS)
    const banned = room.bans.among(signers)
    if (banned !== undefined) throw new NotSigned('banned', { parties: banned })
    const missing = room.pairs.missing(others(room, signers))
    if (missing.length > 0)
      throw new NotSigned('setup-missing', { parties: missing, retryAfterMs: RETRY_MS })
    const leave = await this.#init.choices.wait(signers.length - 1, IN_LINE_MS)
    try {
      const session = leave && !signal.aborted && open(room, plan, signers)
      if (typeof session !== 'object')
        throw new NotSigned(signal.aborted ? 'cancelled' : 'overloaded', { retryAfterMs: RETRY_MS })
      const opening = encodeRootOpening({ statement, signers, nonce })
      return await this.#conduct(room, plan, session, opening, signal)
    } finally {
      leave?.()
    }
  }

  /** Another guest opens a signature of the root key: everything it says is checked, or computed, here. */
  follow(
    room: RootRoom,
    from: PartyIndex,
    letter: Letter,
    followed: Followed = () => undefined,
  ): void {
    const { followers } = room
    followers.take('root', from, letter, (begun) =>
      this.#follow(room, from, letter, begun, followed),
    )
  }

  async #conduct(
    room: RootRoom,
    plan: RootPlan,
    session: Session,
    opening: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { router, answers } = room
    const stop = (): void => session.end({ kind: 'cancelled', round: 'session/open' })
    signal.addEventListener('abort', stop, { once: true })
    const heard = answers.watch(session, () => false)
    try {
      return await router.conduct(session, (party) =>
        openEverywhere(router, session, opening, party, () => this.#converse(room, plan, party)),
      )
    } catch (error) {
      throw notSigned(error, heard, session)
    } finally {
      answers.unwatch(session)
      signal.removeEventListener('abort', stop)
    }
  }

  async #follow(
    room: RootRoom,
    from: PartyIndex,
    letter: Letter,
    begun: (session: Session) => void,
    followed: Followed,
  ): Promise<void> {
    const { statement, signers, nonce } = decodeRootOpening(letter.body)
    const { me, epochId } = room.committee
    if (!isSignerSet(room, signers) || !signers.includes(from) || !signers.includes(me.index))
      throw new RequestError('MPC_QUORUM')
    const obstacle = obstacleTo(epochId, statement, this.#init.view)
    if (obstacle?.never !== undefined) throw new RequestError(obstacle.never)
    if (obstacle !== undefined) throw later(obstacle.later)
    const plan = planOf(room, statement, signers, nonce)
    if (plan === undefined) throw later('behind')
    if (letter.attempt !== 0 || !sameBytes(plan.instanceId, letter.session))
      throw new Declined({ kind: 'abort', fault: { kind: 'binding', round: 'session/open', from } })
    if (room.bans.among(signers) !== undefined) throw new RequestError('PAIR_BANNED')
    if (room.pairs.missing(others(room, signers)).length > 0) throw later('setup-missing')
    const leave = this.#init.choices.take('request', from, signers.length - 1)
    if (leave === undefined) throw later('overloaded')
    try {
      const session = open(room, plan, signers)
      if (session === 'reused') throw new RequestError('SESSION_ID_REUSED')
      if (session === 'overloaded') throw later('overloaded')
      begun(session)
      const conducted = room.router.conduct(session, (party) => this.#converse(room, plan, party))
      const signature = await conducted.catch((error: unknown) => {
        followed(statement, signers, { found: foundIn(session, error) })
        throw error
      })
      followed(statement, signers, { signature })
    } finally {
      leave()
    }
  }

  /** Form (a) of 02 §6, the same for leader and followers; every signer verifies what comes out. */
  #converse(room: RootRoom, plan: RootPlan, party: Party): Promise<Uint8Array> {
    const { kernel, random, converse = sign } = this.#init
    const { networkId, epochId } = room.committee
    const { key, guests, digest } = plan
    return this.#withShare(room, key, async (share) => {
      const peers = party.everyone.filter((signer) => signer !== party.me)
      const pairs = room.pairs.withAll(peers)
      if (pairs === undefined) {
        const [from = 0] = room.pairs.missing(peers)
        throw new ProtocolError({ kind: 'setup-missing', round: 'sign/1-commit', from })
      }
      const signature = await converse(party, kernel, random, {
        form: 'full',
        networkId,
        epochId,
        keyPublic: key.publicKey,
        derived: derive(key.publicKey, NO_CHAIN_CODE, []), // P itself
        share,
        guests,
        pairs,
        digest,
      })
      return encodeSignature(signature)
    })
  }

  /** A share that is not the one of this epoch's F signs nothing (02 §12). */
  async #withShare<T>(
    room: RootRoom,
    { keyId, commitment }: RootKey,
    use: (share: Handle<'share'>) => Promise<T>,
  ): Promise<T> {
    const { kernel } = this.#init
    const share = await room.share(keyId).catch((cause: unknown) => {
      if (!(cause instanceof VaultError) || cause.code !== 'RECORD_CORRUPT') throw cause
      throw ownShare('the share of the root key cannot be read', cause)
    })
    try {
      const expected = kernel.evaluateCommitment(commitment, room.committee.me.index)
      if (expected === undefined || !sameBytes(expected, kernel.sharePublic(share)))
        throw ownShare('the share of the root key is not the one of this epoch')
      return await use(share)
    } finally {
      kernel.wipe(share)
    }
  }
}

const NO_CHAIN_CODE = new Uint8Array(32) // nothing is derived below the root key

/** Exactly t members of the room's epoch, ascending. */
export function isSignerSet({ committee }: RootRoom, signers: readonly PartyIndex[]): boolean {
  const members = committee.guests.map(({ index }) => index)
  const ascending = signers.every((party, at) => at === 0 || party > (signers[at - 1] ?? 0))
  const known = signers.every((party) => members.includes(party))
  return ascending && known && signers.length === committee.threshold
}

function planOf(
  room: RootRoom,
  statement: Statement,
  signers: readonly PartyIndex[],
  coordinatorNonce: Uint8Array,
): RootPlan | undefined {
  const { networkId, epochId, guests: members } = room.committee
  const key = room.rootKey()
  if (key === undefined) return undefined
  const digest = digestOf(epochId, statement)
  const guests = signers.map((party) => guestAt(members, party))
  return {
    key,
    digest,
    guests,
    instanceId: instanceId({
      kind: KINDS.signature,
      networkId,
      epochId,
      keyIds: [key.keyId],
      path: [],
      publicKey: key.publicKey,
      participants: guests,
      form: FORMS.full,
      requestDigest: utf8ToBytes(statement.domain), // in the place of a request
      digest,
      attempt: 0,
      coordinatorNonce,
    }),
  }
}

const open = (
  { router }: RootRoom,
  plan: RootPlan,
  everyone: readonly PartyIndex[],
): Session | 'reused' | 'overloaded' =>
  router.open({
    kind: KINDS.signature,
    instanceId: plan.instanceId,
    attempt: 0,
    form: FORMS.full,
    everyone,
    deadlineMs: SIGN_MS,
  })

const others = ({ committee }: RootRoom, signers: readonly PartyIndex[]): PartyIndex[] =>
  signers.filter((signer) => signer !== committee.me.index)

/** r ‖ s ‖ recovery id, as 03 §1.2 has it. */
const encodeSignature = ({ r, s, recovery }: Signature): Uint8Array =>
  concatBytes(r, s, u8(recovery))

const ownShare = (reason: string, cause?: unknown): ProtocolError =>
  new ProtocolError({ kind: 'own-share', reason }, { cause })

const later = (reason: NotYetReason): Declined =>
  new Declined({ kind: 'notYet', reason, retryAfterMs: RETRY_MS })
