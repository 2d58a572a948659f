import { compareBytes, sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import {
  type CertificateContext,
  type KeyCertificate,
  verifyKeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import { encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import { transcriptOf } from '../../../protocols/sharing/hashes.ts'
import { type Committee, otherGuests } from '../committee.ts'
import type { CertifiedKeys } from '../keys/certified-keys.ts'
import { batchRecord } from '../keys/held-keys.ts'
import { decodeKeyPart, keyPart, madeName } from '../keys/key-part.ts'
import { shareName } from '../keys/pending-batch.ts'
import type { ReadyKeys } from '../keys/ready-keys.ts'
import type { Records } from '../records.ts'
import type { Clock } from '../sessions/clock.ts'
import type { Letter } from '../sessions/post.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import { accountOf, encodeCredential } from './account.ts'
import {
  type AccountAnswer,
  type AccountAsk,
  askLetter,
  decodeAnswer,
  type ToldAccount,
  type ToldKey,
} from './account-letters.ts'
import type { AccountStore } from './account-store.ts'

/** A member that does not answer is asked again. */
const RETRY_MS = 2_000
/** What was being decided when the pages were read is there when they are read once more. */
const AGAIN_MS = 60_000
/** Things that not enough members told yet: what is beyond is told again by the next round. */
const MAX_WAITING = 10_000

export interface AccountSyncInit {
  readonly committee: Committee
  readonly router: SessionRouter
  readonly clock: Pick<Clock, 'after'>
  readonly records: Pick<Records, 'sharePart' | 'write'>
  readonly accounts: AccountStore
  readonly certified: CertifiedKeys
  readonly ready: ReadyKeys
  /** Who could certify a key in the epoch with this id; undefined for one that this committee never had. */
  readonly certifiers: (epochId: Uint8Array) => CertificateContext | undefined
  readonly onError: (error: unknown) => void
}

/** What is known of one thing that members told. */
interface Told {
  readonly by: Set<PartyIndex>
  readonly accept: () => Promise<void>
}

/**
 * A newcomer learns accounts and ready keys from the members that have them. It believes what f + 1 of them say alike,
 * so that one of them is honest, about a key that its certificate proves and whose share is here. Pages are read
 * from each member by itself; what is missing at one is told by the others.
 */
export class AccountSync {
  readonly #init: AccountSyncInit
  readonly #told = new Map<string, Told>()
  /** Where the reading of each member stands. */
  readonly #places = new Map<PartyIndex, AccountAsk>()
  readonly #done = new Set<PartyIndex>()
  #turn: Promise<void> = Promise.resolve()
  #disarm: (() => void) | undefined
  #rounds = 0
  #closed = false

  constructor(init: AccountSyncInit) {
    this.#init = init
    init.router.on(MESSAGE_TYPES.accountsAnswer, (from, letter) => {
      this.#turn = this.#turn.then(() => this.#take(from, letter)).catch(init.onError)
    })
  }

  /** Whether so many members were read to the end that every decided account is known (03 §2). */
  get isComplete(): boolean {
    const { guests, threshold } = this.#init.committee
    return this.#rounds > 0 || this.#done.size >= quorums(guests.length, threshold).L - 1
  }

  start(): void {
    if (this.#closed) return
    this.#done.clear()
    for (const { index } of otherGuests(this.#init.committee))
      this.#places.set(index, { of: 'accounts', after: new Uint8Array() })
    this.#tick()
  }

  close(): void {
    this.#closed = true
    this.#disarm?.()
    this.#told.clear()
  }

  #tick(): void {
    this.#disarm?.()
    if (this.#closed) return
    const { router, clock } = this.#init
    for (const [index, place] of this.#places)
      if (!this.#done.has(index)) void router.send(index, askLetter(place))
    this.#disarm = clock.after(RETRY_MS, () => this.#tick())
  }

  async #take(from: PartyIndex, { body }: Letter): Promise<void> {
    const answer = decoded(body)
    const place = this.#places.get(from)
    if (answer === undefined || place === undefined || this.#closed || this.#done.has(from)) return
    if (answer.of !== place.of || (answer.more && compareBytes(answer.after, place.after) <= 0))
      return
    for (const account of answer.accounts)
      await this.#hear(from, nameOfAccount(account), () => this.#addAccount(account))
    for (const key of answer.keys) await this.#hear(from, nameOfKey(key), () => this.#addKey(key))
    this.#advance(from, answer)
  }

  /** The next page of this member, or the next of its lists, or nothing more. */
  #advance(from: PartyIndex, { of, after, more }: AccountAnswer): void {
    if (more) this.#places.set(from, { of, after })
    else if (of === 'accounts') this.#places.set(from, { of: 'keys', after: new Uint8Array() })
    else {
      this.#done.add(from)
      if (this.#done.size === this.#places.size) this.#endRound()
      return
    }
    const place = this.#places.get(from)
    if (place !== undefined) void this.#init.router.send(from, askLetter(place))
  }

  #endRound(): void {
    this.#disarm?.()
    this.#rounds += 1
    if (this.#rounds === 1) this.#disarm = this.#init.clock.after(AGAIN_MS, () => this.start())
    else this.#told.clear()
  }

  async #hear(from: PartyIndex, name: string, accept: () => Promise<void>): Promise<void> {
    const { guests, threshold } = this.#init.committee
    if (!this.#told.has(name) && this.#told.size >= MAX_WAITING) return
    const told = this.#told.get(name) ?? { by: new Set(), accept }
    this.#told.set(name, told)
    told.by.add(from)
    if (told.by.size === quorums(guests.length, threshold).f + 1) await told.accept()
  }

  async #addAccount({ id, digest, credential, certificate }: ToldAccount): Promise<void> {
    const { accounts, certified, ready } = this.#init
    const { keyId } = certificate
    if (!(await this.#isHeld(certificate)) || (await accounts.get(id)) !== undefined) return
    if (!certified.allows(id, keyId)) return
    await accounts.add(accountOf(id, digest, credential, certificate), () => ({
      bulk: new Map([batchRecord(certificate), [madeName(keyId), null]]),
      critical: new Map([
        certified.set(id, keyId),
        ...(ready.ownerOf(keyId) === undefined ? [] : [ready.take(keyId)]),
      ]),
    }))
  }

  async #addKey({ owner, certificate }: ToldKey): Promise<void> {
    const { records, ready, certified } = this.#init
    const { keyId } = certificate
    if (!(await this.#isHeld(certificate)) || ready.ownerOf(keyId) !== undefined) return
    if (certified.accountsOf(keyId).length > 0) return
    const transcript = transcriptOf(certificate.pub, certificate.records)
    const { change, added } = ready.grown(transcript, owner, keyId)
    await records.write({
      bulk: new Map([
        batchRecord(certificate),
        [madeName(keyId), keyPart(certificate, transcript)],
      ]),
      critical: new Map([change]),
    })
    added()
  }

  /** Whether the certificate is good, and the key's share in this epoch is here. */
  async #isHeld(certificate: KeyCertificate): Promise<boolean> {
    const { committee, certifiers, records } = this.#init
    const context = certifiers(certificate.epochId)
    if (context === undefined || !sameBytes(certificate.committeeId, committee.committeeId))
      return false
    if (!verifyKeyCertificate(certificate, context)) return false
    const part = await records.sharePart(shareName(certificate.keyId))
    return part !== undefined && sameBytes(decodeKeyPart(part).publicKey, certificate.publicKey)
  }
}

/** What members must say alike: not the signatures, of which each may know others. */
const nameOfAccount = ({ id, digest, credential, certificate }: ToldAccount): string =>
  hex(encodeCanonical([id, digest, encodeCredential(credential), keyFacts(certificate)]))

const nameOfKey = ({ owner, certificate }: ToldKey): string =>
  hex(encodeCanonical([owner, keyFacts(certificate)]))

const keyFacts = ({ keyId, epochId, pub, records, ...key }: KeyCertificate): unknown[] => [
  keyId,
  epochId,
  keyPart(key, transcriptOf(pub, records)),
]

function decoded(body: Uint8Array): AccountAnswer | undefined {
  try {
    return decodeAnswer(body)
  } catch (cause) {
    if (cause instanceof DecodeError) return undefined // it tells nothing
    throw cause
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
