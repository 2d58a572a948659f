import { equalBytes } from '@noble/curves/utils.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { tags } from '../crypto/tags.ts'
import { type Handle, type Kernel, KernelMisuse } from '../kernel/kernel.ts'
import { DecodeError, Reader, u8, u16 } from '../session/codec.ts'
import type { PartyIndex } from '../session/faults.ts'
import { type KeyRecord, SECP256K1 } from './key-record.ts'
import { POINT_BYTES, SCALAR_BYTES } from './messages.ts'

/** One member's share of one key in one epoch, to be dealt again after a loss (02 §9). */
export interface BackupShare
  extends Pick<KeyRecord, 'keyId' | 'curve' | 't' | 'chainCode' | 'commitment'> {
  /** Members of the epoch. */
  readonly n: number
  readonly index: PartyIndex
  readonly networkId: Uint8Array
  readonly epochId: Uint8Array
  readonly share: Handle<'share'>
}

const MAGIC = utf8ToBytes('HFBS')
const VERSION = 1
const MAX_MEMBERS = 16
const CHECK_BYTES = 8
const HEAD_BYTES = 12 + 4 * 32
/** Where t stands: behind magic, version and curve. */
const THRESHOLD_AT = 6

/** 12 + 128 + 33t + 40 bytes, with the share in the open: for an age file or HPKE at once, and to be wiped then. */
export function encodeBackupShare(kernel: Kernel, backup: BackupShare): Uint8Array {
  const { curve, t, n, index, networkId, epochId, keyId, chainCode, commitment } = backup
  const secret = kernel.shareOut(backup.share)
  const body = concatBytes(
    MAGIC,
    u8(VERSION),
    u8(curve),
    u16(t),
    u16(n),
    u16(index),
    networkId,
    epochId,
    keyId,
    chainCode,
    commitment,
    secret,
  )
  secret.fill(0)
  const whole = concatBytes(body, checkOf(kernel, body))
  body.fill(0)
  return whole
}

/**
 * The share that these bytes hold, in the kernel; the bytes stay the caller's to wipe. Throws `DecodeError` for
 * anything that is not exactly one share that fits its own commitment.
 */
export function decodeBackupShare(kernel: Kernel, bytes: Uint8Array): BackupShare {
  const t = bytes[THRESHOLD_AT] ?? 0
  const length = HEAD_BYTES + POINT_BYTES * t + SCALAR_BYTES + CHECK_BYTES
  if (bytes.length !== length) throw new DecodeError('not the length of a backup share')
  const body = bytes.subarray(0, -CHECK_BYTES)
  if (!equalBytes(checkOf(kernel, body), bytes.subarray(-CHECK_BYTES)))
    throw new DecodeError('the check of the backup share fails')
  const reader = new Reader(body)
  if (!equalBytes(reader.take(MAGIC.length), MAGIC) || reader.u8() !== VERSION)
    throw new DecodeError('not a backup share of version 1')
  const curve = reader.u8()
  if (curve !== SECP256K1) throw new DecodeError('no such curve')
  const head = {
    curve,
    t: reader.u16(MAX_MEMBERS),
    n: reader.u16(MAX_MEMBERS),
    index: reader.u16(),
  }
  if (head.t < 2 || head.n < head.t || head.index < 1)
    throw new DecodeError('no such threshold, size or index')
  const [networkId, epochId, keyId, chainCode] = [32, 32, 32, 32].map((size) => reader.take(size))
  const commitment = reader.take(POINT_BYTES * t)
  const secret = reader.take(SCALAR_BYTES)
  const backup = { ...head, networkId, epochId, keyId, chainCode, commitment } as const
  const share = shareOf(kernel, commitment, head.index, secret)
  return reader.end({ ...(backup as Omit<BackupShare, 'share'>), share })
}

const checkOf = (kernel: Kernel, body: Uint8Array): Uint8Array =>
  kernel.oracle(tags.backupCheck, CHECK_BYTES, body)

/** sG = Σ x^k F[k], or it is refused. The bytes are wiped. */
function shareOf(
  kernel: Kernel,
  commitment: Uint8Array,
  index: PartyIndex,
  secret: Uint8Array,
): Handle<'share'> {
  let share: Handle<'share'>
  try {
    share = kernel.shareIn(secret)
  } catch (cause) {
    if (!(cause instanceof KernelMisuse)) throw cause
    throw new DecodeError('the share is no scalar', { cause })
  }
  const expected = kernel.arePoints(commitment)
    ? kernel.evaluateCommitment(commitment, index)
    : undefined
  if (expected !== undefined && equalBytes(kernel.sharePublic(share), expected)) return share
  kernel.wipe(share)
  throw new DecodeError('the share does not fit its commitment')
}
