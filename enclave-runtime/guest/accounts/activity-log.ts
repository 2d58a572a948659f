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

const MAX_ACTIVITY_BYTES = 1024 // five hashes and at most 16 indices
const MAX_SIGNERS = 16
/** Nonces kept in memory; those of signatures are on disk as well. */
const MAX_CLAIMS = 65_536
const MAX_U32 = 0xffff_ffff

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
  readonly #records: Records
  readonly #claims = new BoundedMap<Uint8Array>(MAX_CLAIMS)

  constructor(records: Records) {
    this.#records = records
  }

  /** Whether the nonce was used, here, for something else. */
  async isReused(accountId: Uint8Array, nonce: Uint8Array, meaning: Uint8Array): Promise<boolean> {
    const place = Buffer.concat([accountId, nonce])
    const claimed = this.#claims.get(place)
    if (claimed !== undefined) return !Buffer.from(claimed).equals(meaning)
    const record = await this.#records.bulk(nameOf(accountId, nonce))
    if (record === undefined) return false
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
    return true
  }

  /** Durable when it resolves. */
  async record(activity: Activity): Promise<void> {
    const { accountId, nonce } = activity
    const bulk = new Map([[nameOf(accountId, nonce), encodeActivity(activity)]])
    await this.#records.write({ bulk })
  }
}

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
