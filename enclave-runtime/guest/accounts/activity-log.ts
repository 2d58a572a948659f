import { blake3 } from '@noble/hashes/blake3.js'
import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import type { RequestCore } from '../../../protocols/request/core.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Records } from '../records.ts'
import { VaultError } from '../vault/vault-error.ts'
import { ActivityPages } from './activity-pages.ts'

const MAX_ACTIVITY_BYTES = 1024 // five hashes and at most 16 indices
const MAX_SIGNERS = 16
/** Nonces kept in memory; those of signatures are on disk as well. */
const MAX_CLAIMS = 65_536
/** Looked up by the check of a request and again by its attempts, moments later. */
const MAX_UNUSED = 4_096
const MAX_U32 = 0xffff_ffff
/** Beyond the request's expiry (03 §9.1). */
const KEPT_AFTER_EXPIRY_S = 86_400

/** What this guest signed, or was about to (05 §3.3, row 20). */
export interface Activity {
  readonly accountId: Uint8Array
  readonly nonce: Uint8Array
  /** Request digest. */
  readonly digest: Uint8Array
  /** Method and parameters. */
  readonly meaning: Uint8Array
  readonly intentDigest: Uint8Array
  readonly keyId: Uint8Array
  readonly attempt: number
  readonly signers: readonly PartyIndex[]
  /** Unix seconds. */
  readonly exp: number
}

/** What a request asks, without when: two requests of one meaning may share a nonce (05 §3.5). */
export const meaningOf = ({ method, params }: RequestCore): Uint8Array =>
  blake3(encodeCanonical(['meaning', method, params]))

/** A record per (account, nonce): written before the last message of a signature leaves. */
export class ActivityLog {
  readonly #records: Pick<Records, 'critical' | 'bulk' | 'write'>
  readonly #claims = new BoundedMap<Uint8Array>(MAX_CLAIMS)
  /** Nonces that no record has, and that nothing claimed since: this guest alone writes records. */
  readonly #unused = new BoundedMap<true>(MAX_UNUSED)
  readonly #pages: ActivityPages
  /** Unix seconds before which nothing is old enough. */
  #notBefore = 0
  #pruning = false

  constructor(records: Pick<Records, 'critical' | 'bulk' | 'write'>) {
    this.#records = records
    this.#pages = new ActivityPages(records)
  }

  /** Whether the nonce was used, here, for something else. A promise where the store has to be asked. */
  isReused(
    accountId: Uint8Array,
    nonce: Uint8Array,
    meaning: Uint8Array,
  ): boolean | Promise<boolean> {
    const place = Buffer.concat([accountId, nonce])
    const claimed = this.#claims.get(place)
    if (claimed !== undefined) return !Buffer.from(claimed).equals(meaning)
    if (this.#unused.get(place) !== undefined) return false
    return this.#isRecorded(place, nameOf(accountId, nonce), meaning)
  }

  /** The same of a nonce that only a record may know. */
  async #isRecorded(place: Uint8Array, name: string, meaning: Uint8Array): Promise<boolean> {
    const record = await this.#records.bulk(name)
    if (record === undefined) {
      const since = this.#claims.get(place) // claimed while the store was asked
      if (since !== undefined) return !Buffer.from(since).equals(meaning)
      this.#unused.set(place, true)
      return false
    }
    const known = decodeActivity(record).meaning
    this.#claims.set(place, known)
    return !Buffer.from(known).equals(meaning)
  }

  /** Takes the nonce, in one turn; false when another meaning holds it. */
  claim(accountId: Uint8Array, nonce: Uint8Array, meaning: Uint8Array): boolean {
    const place = Buffer.concat([accountId, nonce])
    const claimed = this.#claims.get(place)
    if (claimed !== undefined) return Buffer.from(claimed).equals(meaning)
    this.#claims.set(place, meaning)
    this.#unused.delete(place)
    return true
  }

  /** Durable when it resolves. */
  async record(activity: Activity): Promise<void> {
    const { accountId, nonce, exp } = activity
    const place = Buffer.concat([accountId, nonce])
    this.#unused.delete(place)
    const listed = this.#pages.add(place, exp)
    const record = [nameOf(accountId, nonce), encodeActivity(activity)] as const
    await this.#records.write({
      bulk: new Map([record, ...listed.bulk]),
      critical: new Map(listed.critical),
    })
  }

  /**
   * Deletes the oldest page of records once they are a day beyond their expiry: one page a call, so that
   * a long silence is made up for in steps. `now` is in unix seconds.
   */
  async prune(now: number): Promise<void> {
    if (this.#pruning || now < this.#notBefore) return
    this.#pruning = true
    try {
      const page = await this.#pages.oldest()
      if (page === undefined) return
      if (page !== 'lost' && !isOver(page.exp, now)) {
        this.#notBefore = page.exp + KEPT_AFTER_EXPIRY_S
        return
      }
      const names = page === 'lost' ? [] : await this.#overAmong(page.places, now)
      const dropped = this.#pages.drop()
      await this.#records.write({
        bulk: new Map([...names.map((name) => [name, null] as const), ...dropped.bulk]),
        critical: new Map(dropped.critical),
      })
    } finally {
      this.#pruning = false
    }
  }

  /** A nonce may have been used again, for the same, and is then on a later page too. */
  async #overAmong(places: readonly Uint8Array[], now: number): Promise<string[]> {
    const over: string[] = []
    for (const place of places) {
      const name = nameOf(place.subarray(0, 16), place.subarray(16))
      const record = await this.#readable(name)
      if (record !== undefined && isOver(decodeActivity(record).exp, now)) over.push(name)
    }
    return over
  }

  /** What the host altered stays where it is: clearing up fails no signature. */
  async #readable(name: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#records.bulk(name)
    } catch (error) {
      if (error instanceof VaultError && error.code === 'RECORD_CORRUPT') return undefined
      throw error
    }
  }
}

const isOver = (exp: number, now: number): boolean => exp + KEPT_AFTER_EXPIRY_S <= now

const encodeActivity = (activity: Activity): Uint8Array =>
  encodeCanonical([
    'activity',
    1,
    activity.accountId,
    activity.nonce,
    activity.digest,
    activity.meaning,
    activity.intentDigest,
    activity.keyId,
    activity.attempt,
    activity.signers,
    activity.exp,
  ])

function decodeActivity(bytes: Uint8Array): Activity {
  const fields = objectFields(decodeCanonical(bytes, MAX_ACTIVITY_BYTES), 'activity', 9)
  const [accountId, nonce, digest, meaning, intentDigest, keyId, attempt, signers, exp] = fields
  return {
    accountId: bytesField(accountId, 'accountId', 16),
    nonce: bytesField(nonce, 'nonce', 16),
    digest: bytesField(digest, 'digest', 32),
    meaning: bytesField(meaning, 'meaning', 32),
    intentDigest: bytesField(intentDigest, 'intentDigest', 32),
    keyId: bytesField(keyId, 'keyId', 32),
    attempt: uintField(attempt, 'attempt', MAX_U32),
    signers: listField(signers, 'signers', MAX_SIGNERS).map((party) =>
      uintField(party, 'signer', 0xffff),
    ),
    exp: uintField(exp, 'exp'),
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const nameOf = (accountId: Uint8Array, nonce: Uint8Array): string =>
  `activity/${hex(accountId)}/${hex(nonce)}`
