import { sameBytes } from '../compare-bytes.ts'
import type { AbortCert, EpochCert } from '../objects/certificates.ts'
import type { Member } from '../objects/member.ts'
import { Ready, type ReadyEntry } from '../objects/ready.ts'
import { type EpochRecord, recordHash } from '../objects/record.ts'
import type { SignatureList } from '../objects/signed.ts'
import { epochInstanceId } from '../objects/vote.ts'
import { certifies, voteVerifier } from '../qbft/certificate.ts'
import type { Value } from '../qbft/vote.ts'
import { quorums } from '../quorums.ts'
import { verifySigned } from '../signed-object.ts'
import type { Base } from './base.ts'
import { type BrokenRule, firstBroken } from './broken-rule.ts'
import { isAgreementKey } from './member-keys.ts'
import { brokenSuccession } from './record-rules.ts'

/**
 * Why a certificate makes no epoch after this base (03 §3.3): the rules of its record, READY of all new
 * members, COMMIT of a quorum of the old ones. n' + q Ed25519 verifications.
 */
export const brokenEpochCert = (base: Base, cert: EpochCert): BrokenRule | undefined =>
  brokenSuccession(base, cert.record) ??
  brokenReadyList(cert.record, cert.ready) ??
  brokenDecision(base, cert.record.k, cert.round, recordHash(cert.record), cert.commits, 'commit')

/** Why a certificate does not end an attempt on this base (03 §1.2): COMMIT(0) of a quorum of its members. */
export const brokenAbortCert = (base: Base, cert: AbortCert): BrokenRule | undefined =>
  firstBroken([
    ['abort', sameBytes(cert.committeeId, base.committeeId), 'another committee'],
    ['abort', cert.e === base.next, `not for epoch ${base.next}`],
  ]) ?? brokenDecision(base, cert.k, cert.round, 0, cert.commits, 'abort')

/** Why these are not READY of all members of a record, each with a key of its own (03 §4.1 S8). */
export function brokenReadyList(
  record: EpochRecord,
  ready: readonly ReadyEntry[],
): BrokenRule | undefined {
  const hash = recordHash(record)
  const missing = record.members.find(
    (member) => !ready.some(({ index }) => index === member.index),
  )
  const prekeys = new Set(ready.map(({ prekey }) => prekey.join()))
  return firstBroken([
    ['ready', missing === undefined, `member ${missing?.index} is not ready`],
    ['ready', ready.length === record.members.length, 'READY of somebody who is no member'],
    ['ready', prekeys.size === ready.length, 'two members have the same prekey'],
    ...record.members.map((member) => {
      const entry = ready.find(({ index }) => index === member.index)
      const kept = () => entry !== undefined && isReady(record, hash, member, entry)
      return ['ready', kept, `READY of member ${member.index} is not its own`] as const
    }),
  ])
}

function isReady(record: EpochRecord, hash: Uint8Array, member: Member, entry: ReadyEntry) {
  const { committeeId, e, k, networkId } = record
  const { index, prekey, signature } = entry
  const object = Ready.encode({ committeeId, e, k, recordHash: hash, prekey, index })
  return (
    isAgreementKey(prekey) && verifySigned('ready', networkId, object, member.guestSig, signature)
  )
}

/** Why this is no decision of an attempt on this base: not COMMIT of q of its members for one value. */
function brokenDecision(
  base: Base,
  k: number,
  round: number,
  value: Value,
  signatures: SignatureList,
  rule: 'commit' | 'abort',
): BrokenRule | undefined {
  const { q } = quorums(base.members.length, base.t)
  const iid = epochInstanceId(base.committeeId, base.next, k, base.hash)
  const verify = voteVerifier(
    base.networkId,
    new Map(base.members.map(({ index, guestSig }) => [index, guestSig])),
  )
  return firstBroken([
    [rule, signatures.length >= q, `${signatures.length} of ${q} COMMITs`],
    [
      rule,
      () => certifies({ kind: 'commit', round, value, signatures }, iid, q, verify),
      'a COMMIT is not that of a member for this value',
    ],
  ])
}
