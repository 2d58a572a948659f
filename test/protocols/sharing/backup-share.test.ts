import assert from 'node:assert/strict'
import { tags } from '../../../protocols/crypto/tags.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import {
  type BackupShare,
  decodeBackupShare,
  encodeBackupShare,
} from '../../../protocols/sharing/backup-share.ts'
import { committee, guestOf, NETWORK } from '../../support/run-keygen.ts'
import {
  fastKernel,
  firstEpoch,
  nextEpoch,
  runReshare,
  type TestEpoch,
} from '../../support/run-reshare.ts'

const epochOf = (seed: string, t = 2): Promise<TestEpoch> =>
  firstEpoch(committee(3, seed, seed, fastKernel), t, 1, seed)

/** What member `index` has of the only key. */
function backupOf(epoch: TestEpoch, index: number): BackupShare {
  const [key] = epoch.keys
  const share = epoch.shares.get(index)?.[0]
  assert.ok(key && share !== undefined)
  const { keyId, curve, chainCode, commitment } = key
  return {
    keyId,
    curve,
    t: epoch.threshold,
    chainCode,
    commitment,
    n: 3,
    index,
    networkId: NETWORK,
    epochId: NETWORK,
    share,
  }
}

/** The same bytes with a check that fits them. */
function rechecked(epoch: TestEpoch, bytes: Uint8Array): Uint8Array {
  const body = bytes.slice(0, -8)
  const { kernel } = guestOf(epoch.members, 1)
  return new Uint8Array([...body, ...kernel.oracle(tags.backupCheck, 8, body)])
}

describe('a backup share', () => {
  it('says what it is of in 246 bytes for t = 2, and comes back as the same share', async () => {
    for (const t of [2, 3]) {
      const epoch = await epochOf('backup', t)
      const backup = backupOf(epoch, 2)
      const { kernel } = guestOf(epoch.members, 2)
      const bytes = encodeBackupShare(kernel, backup)
      assert.equal(bytes.length, 180 + 33 * t)
      assert.equal(Buffer.from(bytes.slice(0, 5)).toString('latin1'), 'HFBS\x01')
      const back = decodeBackupShare(kernel, bytes)
      assert.deepEqual({ ...back, share: 0 }, { ...backup, share: 0 })
      assert.deepEqual(kernel.sharePublic(back.share), kernel.sharePublic(backup.share))
    }
  })

  it('deals when the member that had it is repaired from it', async () => {
    const epoch = await epochOf('repair from backup')
    const { kernel } = guestOf(epoch.members, 2)
    const bytes = encodeBackupShare(kernel, backupOf(epoch, 2))
    for (const share of epoch.shares.get(2) ?? []) kernel.wipe(share) // the disk is gone
    const shares = new Map(epoch.shares).set(2, [decodeBackupShare(kernel, bytes).share])
    const run = {
      from: { ...epoch, shares },
      to: epoch.members,
      threshold: 2,
      dealers: [2, 3],
      lost: [1],
      seed: 'repair',
    }
    const next = nextEpoch(run, await runReshare(run))
    assert.deepEqual(next.keys[0]?.publicKey, epoch.keys[0]?.publicKey)
  })

  it('is refused with any bit changed, any length, and none of it stays in the kernel', async () => {
    const epoch = await epochOf('refused')
    const { kernel } = guestOf(epoch.members, 1)
    const bytes = encodeBackupShare(kernel, backupOf(epoch, 1))
    const held = kernel.held
    const refused = (wrong: Uint8Array) =>
      assert.throws(() => decodeBackupShare(kernel, wrong), DecodeError)
    for (const [at, byte] of bytes.entries()) refused(bytes.with(at, byte ^ 1))
    for (const length of [0, 6, 7, 245]) refused(bytes.slice(0, length))
    refused(new Uint8Array([...bytes, 0]))
    assert.equal(kernel.held, held)
  })

  it('is refused when it contradicts itself, though its check fits', async () => {
    const epoch = await epochOf('contradicts')
    const { kernel } = guestOf(epoch.members, 1)
    const bytes = encodeBackupShare(kernel, backupOf(epoch, 1))
    const held = kernel.held
    const share = 12 + 128 + 66
    for (const [at, value] of [
      [0, 0x68], // magic
      [4, 2], // version
      [5, 2], // curve
      [7, 1], // t = 258
      [8, 1], // n < t
      [8, 17],
      [10, 0], // x = 0
      [10, 2], // the share of another member
      [140, 9], // F is no point
      [share + 31, (bytes[share + 31] ?? 0) ^ 1], // another share
    ] as const)
      assert.throws(
        () => decodeBackupShare(kernel, rechecked(epoch, bytes.with(at, value))),
        DecodeError,
        `byte ${at}`,
      )
    for (const fill of [0, 255]) {
      const none = bytes.slice().fill(fill, share, share + 32) // 0, and above q
      assert.throws(() => decodeBackupShare(kernel, rechecked(epoch, none)), DecodeError)
    }
    assert.equal(kernel.held, held)
  })
})
