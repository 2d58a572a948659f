import type { RecordStore } from '../../../enclave-runtime/host/record-store.ts'
import type { BackupReader } from './actions.ts'
import { OperatorError, type OperatorStatus } from './messages.ts'

/** The sealed records as they lie at this moment, named by the epoch that they are of (04 §10). */
export async function openBackup(
  store: RecordStore,
  status: OperatorStatus,
): Promise<BackupReader> {
  const { networkId, guestSig, me, epoch, baseHash, members, attempt } = status
  if (epoch === null || me === null)
    throw new OperatorError('waiting', 'this node is a member of no epoch yet: there is no share')
  if (attempt !== null)
    throw new OperatorError(
      'waiting',
      `epoch ${attempt.e} is being made: a backup of now would be superseded at once`,
      'try again when "holdfast epoch status" shows no attempt',
    )
  const snapshot = store.snapshot()
  let after = ''
  return {
    head: {
      networkId,
      guestSig,
      index: me,
      label: members.find(({ index }) => index === me)?.label ?? '',
      epoch,
      recordHash: baseHash,
    },
    next: async () => {
      const { rows, more } = await snapshot.scan(after)
      after = rows.at(-1)?.[0] ?? after
      const records = rows.map(
        ([name, sealed]) => [name, Buffer.from(sealed).toString('hex')] as const,
      )
      return { records, more }
    },
    close: () => snapshot.close(),
  }
}
