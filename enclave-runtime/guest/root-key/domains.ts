import {
  canaryDigest,
  type RootDomain,
  rootDigest,
  stampDigest,
} from '../../../protocols/agreement/chain/root-key.ts'
import {
  maySignStamp,
  STAMP_SIGNER_SKEW_MS,
  type StampFields,
  stampLifeMs,
} from '../../../protocols/agreement/chain/stamp.ts'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { type EpochRecord, recordHash } from '../../../protocols/agreement/objects/record.ts'
import type { ErrorId } from '../../../protocols/request/errors.ts'
import type { NotYetReason } from '../sessions/answer-letters.ts'

/** Under which the root key signs in this version; `committee-grant` is refused (03 §1.2). */
export type SignedDomain = Exclude<RootDomain, 'committee-grant'>

/** What is said under each domain; hashes and nonces of 32 bytes. */
export interface RootFields {
  readonly 'epoch-active': { readonly recordHash: Uint8Array }
  readonly 'epoch-test': { readonly recordHash: Uint8Array }
  readonly stamp: StampFields
  readonly canary: { readonly nonce: Uint8Array }
}

/** One thing that the root key is asked to say. */
export type Statement = {
  readonly [D in SignedDomain]: { readonly domain: D; readonly fields: RootFields[D] }
}[SignedDomain]

/** What this guest knows by itself: nothing that an opening says is taken for it. */
export interface RootView {
  unixMs(): number
  /** recordHash that this guest computed for the running attempt with this epochId (03 §4.1 S7); undefined: none yet, or the attempt is over. */
  tested(epochId: Uint8Array): Uint8Array | undefined
  /** The record with this epochId, once its certificate is durable here. */
  decided(epochId: Uint8Array): EpochRecord | undefined
  /** The highest decided record known. */
  newest(): EpochRecord | undefined
  /** *ready* of 03 §9.4. */
  isReady(): boolean
  /** `issuedAt` of the last stamp kept here, unix ms; 0 without one. */
  lastStampMs(): number
}

/** Why this guest does not take part: not now, or never in this. */
export type Obstacle =
  | { readonly later: NotYetReason; readonly never?: undefined }
  | { readonly never: ErrorId; readonly later?: undefined }

/** What is signed, 32 bytes: computed by every signer for itself, sent by nobody. */
export function digestOf(epochId: Uint8Array, { domain, fields }: Statement): Uint8Array {
  switch (domain) {
    case 'epoch-active':
    case 'epoch-test':
      return rootDigest(domain, fields.recordHash)
    case 'stamp':
      return stampDigest(fields)
    case 'canary':
      return canaryDigest(epochId, fields.nonce)
  }
}

/** What keeps this guest from saying it with its share of the epoch with this id; undefined: nothing. */
export function obstacleTo(
  epochId: Uint8Array,
  statement: Statement,
  view: RootView,
): Obstacle | undefined {
  switch (statement.domain) {
    case 'epoch-active': {
      const record = view.decided(epochId)
      return hashObstacle(record && recordHash(record), statement.fields.recordHash)
    }
    case 'epoch-test':
      return hashObstacle(view.tested(epochId), statement.fields.recordHash)
    case 'stamp':
      return currentObstacle(epochId, view) ?? stampObstacle(statement.fields, view)
    case 'canary':
      return currentObstacle(epochId, view)
  }
}

function hashObstacle(own: Uint8Array | undefined, theirs: Uint8Array): Obstacle | undefined {
  if (own === undefined) return { later: 'behind' }
  return sameBytes(own, theirs) ? undefined : { never: 'STATE_CONFLICT' }
}

/** Only shares of the newest epoch say what is true now, and only of a guest that is ready. */
function currentObstacle(epochId: Uint8Array, view: RootView): Obstacle | undefined {
  const newest = view.newest()
  if (newest === undefined) return { later: 'behind' }
  if (!sameBytes(newest.epochId, epochId)) return { never: 'STATE_CONFLICT' }
  return view.isReady() ? undefined : { later: 'catching-up' }
}

function stampObstacle(stamp: StampFields, view: RootView): Obstacle | undefined {
  const newest = view.newest()
  if (newest === undefined || stamp.e > newest.e) return { later: 'behind' }
  if (stamp.e < newest.e || !sameBytes(stamp.recordHash, recordHash(newest)))
    return { never: 'STATE_CONFLICT' }
  if (stamp.validUntil !== stamp.issuedAt + stampLifeMs(newest)) return { never: 'PARAMS_INVALID' }
  const now = view.unixMs()
  const runsBehind = view.lastStampMs() > now + STAMP_SIGNER_SKEW_MS // the own clock jumped back
  if (runsBehind || Math.abs(stamp.issuedAt - now) > STAMP_SIGNER_SKEW_MS) return { later: 'clock' }
  return maySignStamp(stamp, newest, now) ? undefined : { never: 'PARAMS_INVALID' }
}
