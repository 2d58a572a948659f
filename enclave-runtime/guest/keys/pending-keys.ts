import { concatBytes } from '@noble/hashes/utils.js'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import { certificateMessage } from '../../../protocols/keygen/key-certificate.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import { verifyShareProofs } from '../../../protocols/sharing/sums.ts'
import type { AccountStore } from '../accounts/account-store.ts'
import { type Committee, guestOf, otherGuests } from '../committee.ts'
import type { Records } from '../records.ts'
import type { Clock } from '../sessions/clock.ts'
import type { Letter } from '../sessions/post.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import {
  type CertificateAnswer,
  type CertificateAsk,
  decodeAnswer,
  decodeAsk,
  encodeAnswer,
  encodeAsk,
  type RunOf,
} from './certificate-letters.ts'
import { certifies, inPartyOrder, isCertification } from './certificates.ts'
import type { HeldKeys } from './held-keys.ts'
import type { KeyGate } from './key-gate.ts'
import { CertifyRefused, type KeyStore } from './key-store.ts'
import type { PendingBatch, Purpose } from './pending-batch.ts'

const FIRST_ASK_MS = 1_000
const MAX_ASK_MS = 60_000
/** Batches asked about at once: those least asked about, so that a new one is not behind many old ones. */
const KEYS_PER_TICK = 4
/** A member that names a key of a pending batch has it asked about at most this often, all members together. */
const HURRY_MS = 1_000
/** How long a leader waits for what the others know of an account's earlier keys. */
const RESOLVE_MS = 3_000

/** What is known of a pending batch, beside what is durable. */
interface Known {
  readonly proofs: Map<PartyIndex, Uint8Array>
  readonly signatures: Map<PartyIndex, Uint8Array>
  /** Who said that it holds no such batch: K4 needs a proof of everyone, so the batch is dead. */
  readonly unknownTo: Set<PartyIndex>
  readonly answered: Set<PartyIndex>
  /** How often this guest asked about it. */
  asks: number
  readonly changed: Set<() => void>
}

export interface PendingKeysInit {
  readonly committee: Committee
  readonly router: SessionRouter
  readonly kernel: Kernel
  readonly records: Records
  readonly clock: Clock
  readonly keys: KeyStore
  readonly held: Pick<HeldKeys, 'signatures'>
  readonly accounts: AccountStore
  readonly gate: Pick<KeyGate, 'mayCertify'>
  /** Such a run goes on here: what it will hold is not decided. */
  readonly isBusy: (run: RunOf) => boolean
  readonly onError: (error: unknown) => void
}

/** Finds out what became of keys whose run did not end well: by asking, never by a timeout (02 §5). */
export class PendingKeys {
  readonly #init: PendingKeysInit
  readonly #known = new Map<string, Known>()
  #disarm: (() => void) | undefined
  #delay = FIRST_ASK_MS
  #hurried: number | undefined
  #closed = false

  constructor(init: PendingKeysInit) {
    this.#init = init
    init.router.on(MESSAGE_TYPES.certificateAsk, (from, letter) =>
      this.#background(this.#answer(from, letter)),
    )
    init.router.on(MESSAGE_TYPES.certificateAnswer, (from, letter) =>
      this.#background(this.#take(from, letter)),
    )
  }

  /** Asks now, and again until nothing is pending: at boot, after a failed run, when a peer comes up. */
  resume(): void {
    this.#delay = FIRST_ASK_MS
    this.#tick()
  }

  /** A key was named that is not ready here: its batch, if it is pending, is asked about before its time. */
  hurry(keyId: Uint8Array): void {
    const { keys, clock, isBusy } = this.#init
    const pending = keys.pendingWith(keyId)
    const now = clock.monotonicMs()
    if (pending === undefined || isBusy(runOf(pending.purpose)) || this.#closed) return
    if (this.#hurried !== undefined && now - this.#hurried < HURRY_MS) return
    this.#hurried = now
    this.#background(this.#ask(pending))
  }

  /**
   * Asks all others about the account's earlier keys: 'dead' when none of them can ever be certified,
   * 'done' when the account has its key, 'open' when that is not known yet.
   */
  async resolve(accountId: Uint8Array): Promise<'done' | 'dead' | 'open'> {
    const { accounts, keys, clock } = this.#init
    const limit = Promise.withResolvers<void>()
    const disarm = clock.after(RESOLVE_MS, limit.resolve)
    const state = async () => {
      if ((await accounts.get(accountId)) !== undefined) return 'done'
      return keys.ofAccount(accountId).every((pending) => this.isDead(pending)) ? 'dead' : 'open'
    }
    try {
      let late = false
      void limit.promise.then(() => {
        late = true
      })
      for (const pending of keys.ofAccount(accountId).filter((key) => !this.#isSettled(key))) {
        this.#knownOf(pending).answered.clear()
        this.#background(this.#ask(pending)) // the limit is this question's, not that of its letters
      }
      for (;;) {
        const now = await state()
        const all = keys.ofAccount(accountId).every((pending) => this.#allAnswered(pending))
        if (now !== 'open' || late || all) return now
        await Promise.race([limit.promise, this.#change(accountId)])
      }
    } finally {
      disarm()
    }
  }

  /** This guest's K4 of a key whose proofs are durable. */
  certify(transcript: Uint8Array): Uint8Array {
    return this.#init.records.sign(certificateMessage(this.#init.committee.networkId, transcript))
  }

  close(): void {
    this.#closed = true
    this.#disarm?.()
  }

  #tick(): void {
    this.#disarm?.()
    this.#disarm = undefined
    if (this.#closed) return
    const { keys, isBusy } = this.#init
    const open = keys.pending.filter((pending) => !this.#isSettled(pending))
    if (open.length === 0) return
    const next = open
      .filter(({ purpose }) => !isBusy(runOf(purpose)))
      .sort((a, b) => this.#knownOf(a).asks - this.#knownOf(b).asks)
    for (const pending of next.slice(0, KEYS_PER_TICK)) this.#background(this.#ask(pending))
    this.#arm()
  }

  /** The next question, unless one is due already. */
  #arm(): void {
    if (this.#closed || this.#disarm !== undefined) return
    this.#disarm = this.#init.clock.after(this.#delay, () => this.#tick())
    this.#delay = Math.min(2 * this.#delay, MAX_ASK_MS)
  }

  async #ask(pending: PendingBatch): Promise<void> {
    const { committee, router } = this.#init
    const { purpose, transcript } = pending
    this.#knownOf(pending).asks += 1
    const proof = await this.#ownProof(pending)
    const body = encodeAsk({ of: runOf(purpose), transcript, proof })
    const letter = { session: transcript, attempt: 0, round: 0, body }
    await Promise.all(
      otherGuests(committee).map(({ index }) =>
        router.send(index, { ...letter, type: MESSAGE_TYPES.certificateAsk }),
      ),
    )
    await this.#progress(pending)
  }

  async #answer(from: PartyIndex, { session, body }: Letter): Promise<void> {
    const ask = decoded(() => decodeAsk(body))
    if (ask === undefined) return
    const { router, keys } = this.#init
    const pending = keys.find(ask.transcript)
    if (pending !== undefined && ask.proof !== null) this.#heardProof(pending, from, ask.proof)
    // Who asks about a batch holds it, whatever it said before.
    if (pending !== undefined && this.#knownOf(pending).unknownTo.delete(from)) this.#arm()
    const answer = await this.#answerTo(ask)
    const letter = { session, attempt: 0, round: 0, body: encodeAnswer(answer) }
    await router.send(from, { ...letter, type: MESSAGE_TYPES.certificateAnswer })
    if (pending !== undefined) await this.#progress(pending)
  }

  async #answerTo({ of, transcript }: CertificateAsk): Promise<CertificateAnswer> {
    const { keys, held, isBusy } = this.#init
    const nothing = { transcript, proof: null, signature: null, signatures: null }
    const signatures = await held.signatures(transcript)
    if (signatures !== undefined) return { ...nothing, state: 'certified', signatures }
    if (isBusy(of)) return { ...nothing, state: 'busy' }
    const pending = keys.find(transcript)
    if (pending === undefined) return { ...nothing, state: 'unknown' }
    const proof = await this.#ownProof(pending)
    const mayCertify = pending.proofs !== null && this.#init.gate.mayCertify()
    const signature = mayCertify ? this.certify(pending.transcript) : null
    return { ...nothing, state: 'pending', proof, signature }
  }

  async #take(from: PartyIndex, { body }: Letter): Promise<void> {
    const { committee, keys } = this.#init
    const answer = decoded(() => decodeAnswer(body))
    const pending = answer && keys.find(answer.transcript)
    if (answer === undefined || pending === undefined) return
    const known = this.#knownOf(pending)
    known.answered.add(from)
    if (answer.state === 'unknown') known.unknownTo.add(from)
    else known.unknownTo.delete(from)
    if (answer.proof !== null) this.#heardProof(pending, from, answer.proof)
    if (
      answer.signature !== null &&
      isCertification(committee, from, pending.transcript, answer.signature)
    )
      known.signatures.set(from, answer.signature)
    const { signatures } = answer
    if (signatures !== null && certifies(committee, signatures, pending))
      await keys.activate(pending, signatures)
    else await this.#progress(pending)
    for (const wake of known.changed) wake()
  }

  /** With everyone's proof: durable, then K4. With a quorum of K4: the certificate. */
  async #progress(pending: PendingBatch): Promise<void> {
    const { committee, keys, isBusy } = this.#init
    const known = this.#knownOf(pending)
    if (pending.proofs === null) {
      if (known.proofs.size < committee.guests.length || isBusy(runOf(pending.purpose))) return
      try {
        await keys.prove(pending.transcript, known.proofs)
      } catch (error) {
        if (error instanceof CertifyRefused) return // given up for another one, or frozen: asked about again
        throw error
      }
    }
    if (this.#init.gate.mayCertify())
      known.signatures.set(committee.me.index, this.certify(pending.transcript))
    const signatures = inPartyOrder(known.signatures)
    if (certifies(committee, signatures, pending)) await keys.activate(pending, signatures)
  }

  #heardProof(pending: PendingBatch, from: PartyIndex, proof: Uint8Array): void {
    const { committee, kernel } = this.#init
    const { proofs } = this.#knownOf(pending)
    const guest = guestOf(committee, from)
    if (proofs.has(from) || guest === undefined) return
    if (verifyShareProofs(kernel, pending, guest, proof)) proofs.set(from, proof)
  }

  /** Says that this guest's shares are durable, which they are; made once. */
  async #ownProof(pending: PendingBatch): Promise<Uint8Array> {
    const { committee, kernel, keys } = this.#init
    const { proofs } = this.#knownOf(pending)
    const made = proofs.get(committee.me.index)
    if (made !== undefined) return made
    const parts: Uint8Array[] = []
    for (const [b, { keyId }] of pending.keys.entries()) {
      const share = await keys.share(keyId)
      try {
        parts.push(kernel.shareProve(share, pending.sid, committee.me.id, b))
      } finally {
        kernel.wipe(share)
      }
    }
    const proof = concatBytes(...parts)
    proofs.set(committee.me.index, proof)
    return proof
  }

  #knownOf({ transcript, proofs }: PendingBatch): Known {
    const name = Buffer.from(transcript).toString('hex')
    const found = this.#known.get(name)
    if (found !== undefined) return found
    const known: Known = {
      proofs: new Map(proofs ?? []),
      signatures: new Map(),
      unknownTo: new Set(),
      answered: new Set(),
      asks: 0,
      changed: new Set(),
    }
    this.#known.set(name, known)
    return known
  }

  /** Whether it can never be certified. */
  isDead(pending: PendingBatch): boolean {
    return pending.proofs === null && this.#knownOf(pending).unknownTo.size > 0
  }

  /** Every other guest answered, and it can never be certified: it stays as it is until the epoch changes. */
  #isSettled(pending: PendingBatch): boolean {
    return this.isDead(pending) && this.#allAnswered(pending)
  }

  #allAnswered(pending: PendingBatch): boolean {
    return this.#knownOf(pending).answered.size >= this.#init.committee.guests.length - 1
  }

  /** Resolves when the next answer about a key of the account is in. */
  #change(accountId: Uint8Array): Promise<void> {
    const next = Promise.withResolvers<void>()
    for (const pending of this.#init.keys.ofAccount(accountId)) {
      const { changed } = this.#knownOf(pending)
      const wake = () => {
        changed.delete(wake)
        next.resolve()
      }
      changed.add(wake)
    }
    return next.promise
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#closed) this.#init.onError(error)
    })
  }
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (cause) {
    if (cause instanceof DecodeError) return undefined // not an ask or answer: it asks nothing
    throw cause
  }
}

const runOf = (purpose: Purpose): RunOf =>
  purpose.kind === 'account' ? { accountId: purpose.accountId } : { owner: purpose.owner }
