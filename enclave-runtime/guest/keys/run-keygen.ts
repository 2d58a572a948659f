import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import type { generateKeys } from '../../../protocols/keygen/generate-keys.ts'
import { ProtocolError } from '../../../protocols/session/faults.ts'
import type { Party } from '../../../protocols/session/round.ts'
import type { Committee } from '../committee.ts'
import { nextTurn } from '../pairs/next-turn.ts'
import { certifies, isCertification } from './certificates.ts'
import { CertifyRefused, type KeyStore } from './key-store.ts'
import type { PendingBatch, Purpose } from './pending-batch.ts'
import type { PendingKeys } from './pending-keys.ts'

export interface RunKeygenDeps {
  readonly committee: Committee
  readonly keys: KeyStore
  readonly pending: PendingKeys
  readonly kernel: Kernel
  readonly random: Random
  /** The conversation of 02 §5. */
  readonly converse: typeof generateKeys
}

/**
 * The conversation of 02 §5 for `count` keys, the same for leader and followers; then the keys are what they are
 * for. Each of its steps is one write for all keys. Throws `ProtocolError`; what was stored stays.
 */
export async function runKeygen(
  { committee, keys, pending, kernel, random, converse }: RunKeygenDeps,
  party: Party,
  purpose: Purpose,
  count: number,
): Promise<void> {
  const { networkId, committeeId, epoch, epochId, threshold, guests, quorum } = committee
  let stored: PendingBatch | undefined
  const generated = await converse(
    party,
    {
      kernel,
      random,
      breathe: nextTurn,
      storePending: async ({ sid, pub, transcript, keys: records, shares }) => {
        stored = { purpose, epoch, sid, pub, transcript, keys: records, proofs: null }
        await keys.store(stored, shares)
      },
      storeProofs: ({ transcript }, proofs) =>
        keys.prove(transcript, proofs).catch((cause: unknown) => {
          if (!(cause instanceof CertifyRefused)) throw cause
          throw new ProtocolError({ kind: 'cancelled', round: 'keygen/4-certify' }, { cause })
        }),
      certify: async (transcript) => pending.certify(transcript),
      verifyCertificate: (from, transcript, signature) =>
        isCertification(committee, from, transcript, signature),
    },
    { networkId, committeeId, epochId, threshold, count, guests, quorum },
  )
  for (const share of generated.shares) kernel.wipe(share) // the vault has them
  const [certificate] = generated.certificates
  if (
    certificate === undefined ||
    stored === undefined ||
    !certifies(committee, certificate.signatures, stored)
  )
    throw new Error('bug: the generated keys are not certified')
  await keys.activate(stored, certificate.signatures)
}
