import type { EpochCert } from '../objects/certificates.ts'
import { Ready } from '../objects/ready.ts'
import { EpochRecord } from '../objects/record.ts'
import { epochInstanceId } from '../objects/vote.ts'
import { certifies } from '../qbft/certificate.ts'
import type { HeldKey } from './held-key.ts'
import { same } from './hex-of.ts'
import type { Epoch } from './state.ts'
import { byIndex, numbersOf, type Turn } from './turn.ts'

/** Whether q members of `base` decided this record, and all of its own members were ready for it; `keys` are those of the record, where they are needed (03 §1.2). */
export function isEpochOf(
  { parts }: Pick<Turn, 'parts'>,
  base: Epoch,
  cert: EpochCert,
  keys: readonly HeldKey[] | null,
): boolean {
  const { record, round, commits, ready } = cert
  const { e, k } = record
  if (e !== base.record.e + 1 || !same(record.prevHash, base.hash)) return false
  const recordHash = parts.hash(EpochRecord, record)
  const iid = epochInstanceId(parts.committeeId, e, k, base.hash)
  const isDecided = certifies(
    { kind: 'commit', round, value: recordHash, signatures: commits },
    iid,
    numbersOf(base.record).q,
    (index, body, signature) => {
      const author = byIndex(base.record.members, index)
      return author !== undefined && parts.isVoteBy(author.guestSig, body, signature)
    },
  )
  if (!isDecided || ready.length !== record.members.length) return false
  const areReady = ready.every(({ index, prekey, signature }) => {
    const author = byIndex(record.members, index)
    const object = { committeeId: parts.committeeId, e, k, recordHash, prekey, index }
    return (
      author !== undefined &&
      parts.isSignedBy(
        Ready,
        { object, objectBytes: Ready.encode(object), signature },
        author.guestSig,
      )
    )
  })
  return areReady && (keys === null || same(parts.keyRoot(keys), record.keySetRoot))
}
