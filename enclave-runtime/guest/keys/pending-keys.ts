import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import { verifyShareProofs } from '../../../protocols/keygen/generate-keys.ts'
import {
  certificateMessage,
  decodeKeyCertificate,
  encodeKeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { AccountStore } from '../accounts/account-store.ts'
import { type Committee, guestOf, otherGuests } from '../committee.ts'
import type { Records } from '../records.ts'
import type { Clock } from '../sessions/clock.ts'
import type { Letter } from '../sessions/post.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import {
  type CertificateAnswer,
  decodeAnswer,
  decodeAsk,
  encodeAnswer,
  encodeAsk,
} from './certificate-letters.ts'
import { certificateFrom, certifies, isCertification } from './certificates.ts'
import { CertifyRefused, type KeyStore } from './key-store.ts'
import type { PendingKey } from './pending-key.ts'

const FIRST_ASK_MS = 1_000
const MAX_ASK_MS = 60_000
/** Keys asked about at once: those least asked about, so that a new one is not behind many old ones. */
const KEYS_PER_TICK = 4
/** How long a leader waits for what the others know of an account's earlier keys. */
const RESOLVE_MS = 3_000

/** What is known of a pending key, beside what is durable. */
interface Known {
  readonly proofs: Map<PartyIndex, Uint8Array>
  readonly signatures: Map<PartyIndex, Uint8Array>
  /** Who said that it holds no such key: K4 needs a proof of everyone, so the key is dead. */
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
  readonly accounts: AccountStore
  /** A run for this account goes on here: what it will hold is not decided. */
  readonly isBusy: (accountId: Uint8Array) => boolean
  readonly onError: (error: unknown) => void
}

/** Finds out what became of keys whose run did not end well: by asking, never by a timeout (02 §5). */
export class PendingKeys {
  readonly #init: PendingKeysInit
  readonly #known = new Map<string, Known>()
  #disarm: (() => void) | undefined
  #delay = FIRST_ASK_MS
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
      return keys.ofAccount(accountId).every((pending) => this.#isDead(pending)) ? 'dead' : 'open'
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
      .filter(({ accountId }) => !isBusy(accountId))
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

  async #ask(pending: PendingKey): Promise<void> {
    const { committee, router } = this.#init
    const { accountId, transcript, key } = pending
    this.#knownOf(pending).asks += 1
    const proof = await this.#ownProof(pending)
    const body = encodeAsk({ accountId, keyId: key.keyId, transcript, proof })
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
    const pending = keys.find(ask.keyId)
    if (pending !== undefined && ask.proof !== null) this.#heardProof(pending, from, ask.proof)
    // Who asks about a key holds it, whatever it said before.
    if (pending !== undefined && this.#knownOf(pending).unknownTo.delete(from)) this.#arm()
    const answer = await this.#answerTo(ask.accountId, ask.keyId)
    const letter = { session, attempt: 0, round: 0, body: encodeAnswer(answer) }
    await router.send(from, { ...letter, type: MESSAGE_TYPES.certificateAnswer })
    if (pending !== undefined) await this.#progress(pending)
  }

  async #answerTo(accountId: Uint8Array, keyId: Uint8Array): Promise<CertificateAnswer> {
    const { keys, accounts, isBusy } = this.#init
    const nothing = { keyId, proof: null, signature: null, certificate: null }
    const account = await accounts.get(accountId)
    if (account !== undefined && equal(account.certificate.keyId, keyId)) {
      const certificate = encodeKeyCertificate(account.certificate)
      return { ...nothing, state: 'certified', certificate }
    }
    if (isBusy(accountId)) return { ...nothing, state: 'busy' }
    const pending = keys.find(keyId)
    if (pending === undefined) return { ...nothing, state: 'unknown' }
    const proof = await this.#ownProof(pending)
    const signature = pending.proofs === null ? null : this.certify(pending.transcript)
    return { ...nothing, state: 'pending', proof, signature }
  }

  async #take(from: PartyIndex, { body }: Letter): Promise<void> {
    const { committee, keys } = this.#init
    const answer = decoded(() => decodeAnswer(body))
    const pending = answer && keys.find(answer.keyId)
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
    const { certificate: bytes } = answer
    const certificate = bytes === null ? undefined : decoded(() => decodeKeyCertificate(bytes))
    if (certificate !== undefined && certifies(committee, certificate, pending))
      await keys.activate(pending, certificate)
    else await this.#progress(pending)
    for (const wake of known.changed) wake()
  }

  /** With everyone's proof: durable, then K4. With a quorum of K4: the certificate. */
  async #progress(pending: PendingKey): Promise<void> {
    const { committee, keys, isBusy } = this.#init
    const known = this.#knownOf(pending)
    const { keyId } = pending.key
    if (pending.proofs === null) {
      if (known.proofs.size < committee.guests.length || isBusy(pending.accountId)) return
      try {
        await keys.prove(keyId, known.proofs)
      } catch (error) {
        if (error instanceof CertifyRefused) return // this key was given up for another one
        throw error
      }
    }
    known.signatures.set(committee.me.index, this.certify(pending.transcript))
    const certificate = certificateFrom(committee, pending, known.signatures)
    if (certificate !== undefined && certifies(committee, certificate, pending))
      await keys.activate(pending, certificate)
  }

  #heardProof(pending: PendingKey, from: PartyIndex, proof: Uint8Array): void {
    const { committee, kernel } = this.#init
    const { proofs } = this.#knownOf(pending)
    const guest = guestOf(committee, from)
    if (proofs.has(from) || guest === undefined) return
    const { sid, key } = pending
    if (verifyShareProofs(kernel, { sid, keys: [key] }, guest, proof)) proofs.set(from, proof)
  }

  /** Says that this guest's share is durable, which it is; made once. */
  async #ownProof(pending: PendingKey): Promise<Uint8Array> {
    const { committee, kernel, keys } = this.#init
    const { proofs } = this.#knownOf(pending)
    const made = proofs.get(committee.me.index)
    if (made !== undefined) return made
    const share = await keys.share(pending.key.keyId)
    const proof = kernel.shareProve(share, pending.sid, committee.me.id, 0)
    kernel.wipe(share)
    proofs.set(committee.me.index, proof)
    return proof
  }

  #knownOf({ key, proofs }: PendingKey): Known {
    const name = Buffer.from(key.keyId).toString('hex')
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

  #isDead(pending: PendingKey): boolean {
    return pending.proofs === null && this.#knownOf(pending).unknownTo.size > 0
  }

  /** Every other guest answered, and it can never be certified: it stays as it is until the epoch changes. */
  #isSettled(pending: PendingKey): boolean {
    return this.#isDead(pending) && this.#allAnswered(pending)
  }

  #allAnswered(pending: PendingKey): boolean {
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

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
