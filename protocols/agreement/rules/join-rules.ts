import { sameBytes } from '../compare-bytes.ts'
import { Join, type SignedJoin } from '../objects/join.ts'
import type { Member } from '../objects/member.ts'
import type { Base } from './base.ts'
import { type BrokenRule, firstBroken } from './broken-rule.ts'
import { updatedBy } from './change.ts'
import type { Circumstances } from './proposal-rules.ts'
import { STRICT, type Verify } from './verify.ts'

/**
 * Why a join is not valid now (03 §1.2, §1.3): network and committee, keys, both signatures, time,
 * history, and for an update that it changes no identity. The evidence is for the guest to judge.
 */
export function brokenJoin(
  base: Base,
  { object: join, objectBytes, guestSignature, operatorSignature }: SignedJoin,
  { now, removedForFault }: Pick<Circumstances, 'now' | 'removedForFault'>,
  verify: Verify = STRICT,
): BrokenRule | undefined {
  const wrongKeys = verify.keysReason(join, 'the joiner')
  const signedBy = (key: Uint8Array, signature: Uint8Array) =>
    verify.isSignedBy(Join, { object: join, objectBytes, signature }, base.networkId, key)
  const updated = updatedBy(base, join)
  return firstBroken([
    ['join', sameBytes(join.networkId, base.networkId), 'another network'],
    ['join', sameBytes(join.committeeId, base.committeeId), 'another committee'],
    ['join', wrongKeys === undefined, wrongKeys ?? ''],
    ['join', join.expiresAt > now, 'expired'],
    [
      'join',
      !removedForFault.some((gone) => sharesKey(gone, join)),
      'a key of a member that was removed for a fault',
    ],
    [
      'R3',
      updated === undefined ||
        (sameBytes(updated.guestEnc, join.guestEnc) &&
          sameBytes(updated.operatorKey, join.operatorKey)),
      'an update has another guestEnc or operatorKey',
    ],
    ['join', () => signedBy(join.guestSig, guestSignature), 'not signed by its guest'],
    ['join', () => signedBy(join.operatorKey, operatorSignature), 'not signed by its operator'],
  ])
}

const sharesKey = (a: Member, b: Join): boolean =>
  sameBytes(a.guestSig, b.guestSig) ||
  sameBytes(a.guestEnc, b.guestEnc) ||
  sameBytes(a.operatorKey, b.operatorKey)
