import { sameBytes } from '../compare-bytes.ts'
import { networkIdOf } from '../genesis.ts'
import type { EpochCert } from '../objects/certificates.ts'
import { type EpochRecord, recordHash } from '../objects/record.ts'
import type { RootSig, Stamp } from '../objects/root-signatures.ts'
import { baseOfGenesis } from '../rules/base.ts'
import type { BrokenRule } from '../rules/broken-rule.ts'
import { brokenEpochCert } from '../rules/certificate-rules.ts'
import { isActivated, isStampedBy } from './root-key.ts'
import { type StampProblem, stampProblem } from './stamp.ts'

/** The newest epoch that somebody has verified: it is stored, and nothing below it is believed again (03 §3.3). */
export interface Newest {
  readonly e: number
  readonly recordHash: Uint8Array
}

/** What a client is told of a committee. */
export interface Shown {
  readonly record: EpochRecord
  readonly rootSig: RootSig
  readonly stamp: Stamp | null
}

/** What a client knows before it is told anything. */
export interface Known {
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  /** Compressed secp256k1 key, 33 bytes. */
  readonly rootKey: Uint8Array
  readonly newest: Newest | null
}

/**
 * Why a committee is not believed. `fork`: two records of one epoch, the one known and this; whoever holds
 * the certificates of both has evidence. Everything else is `STALE_COMMITTEE` for the user.
 */
export type Disbelief =
  | 'other-committee'
  | 'older'
  | 'fork'
  | 'not-activated'
  | 'no-stamp'
  | 'not-stamped'
  | `stamp-${StampProblem}`

export type Verdict =
  | { readonly verified: true; readonly newest: Newest }
  | { readonly verified: false; readonly why: Disbelief }

/**
 * Whether this is the committee now, for one who knows rootKey (03 §3.3): two ECDSA verifications, after
 * everything that costs nothing. It proves no more than that t holders of shares of some epoch signed:
 * rootKey never changes.
 */
export function verifyByRootKey(known: Known, shown: Shown, now: number): Verdict {
  const { record, rootSig, stamp } = shown
  const hash = recordHash(record)
  const why =
    mismatch(known, record, hash) ??
    (stamp === null ? 'no-stamp' : stampDisbelief(stamp, record, now)) ??
    (isActivated(known.rootKey, hash, rootSig) ? undefined : 'not-activated') ??
    (stamp !== null && isStampedBy(known.rootKey, stamp) ? undefined : 'not-stamped')
  return why === undefined
    ? { verified: true, newest: { e: record.e, recordHash: hash } }
    : { verified: false, why }
}

function mismatch(known: Known, record: EpochRecord, hash: Uint8Array): Disbelief | undefined {
  if (
    !sameBytes(record.networkId, known.networkId) ||
    !sameBytes(record.committeeId, known.committeeId) ||
    !sameBytes(record.rootKey, known.rootKey)
  )
    return 'other-committee'
  if (known.newest === null || record.e > known.newest.e) return undefined
  if (record.e < known.newest.e) return 'older'
  return sameBytes(hash, known.newest.recordHash) ? undefined : 'fork'
}

function stampDisbelief(stamp: Stamp, record: EpochRecord, now: number): Disbelief | undefined {
  const problem = stampProblem(stamp, record, now)
  return problem && `stamp-${problem}`
}

/** rootKey, for one who knows the network's id (03 §3.3), or why this does not show it. */
export type RootKeyOf =
  | { readonly known: Known }
  | { readonly broken: BrokenRule | 'other-network' }

/**
 * rootKey from the genesis file and the certificate of epoch 0: READY of all genesis members and COMMIT of
 * q, n + q Ed25519 verifications (03 §3.3). The committee as it is now is then for `verifyByRootKey`.
 * Throws `DecodeError` for a genesis file that is none.
 */
export function rootKeyByNetworkId(
  networkId: Uint8Array,
  encodedGenesis: Uint8Array,
  first: EpochCert,
  newest: Newest | null = null,
): RootKeyOf {
  if (!sameBytes(networkIdOf(encodedGenesis), networkId)) return { broken: 'other-network' }
  const base = baseOfGenesis(encodedGenesis)
  const broken = brokenEpochCert(base, first)
  if (broken !== undefined) return { broken }
  const { committeeId } = base
  return { known: { networkId, committeeId, rootKey: first.record.rootKey, newest } }
}
