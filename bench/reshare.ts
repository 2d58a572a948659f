import { sign, verify } from 'node:crypto'
import type { GeneratedKeys } from '../protocols/keygen/generate-keys.ts'
import { certificateMessage } from '../protocols/keygen/key-certificate.ts'
import { type ResharedChunk, reshareKeys } from '../protocols/reshare/reshare-keys.ts'
import { NO_DEVICE } from '../protocols/sharing/key-record.ts'
import { everyone, NETWORK, random, type Seat, type Wire } from './seats.ts'

/** A refresh in place of all keys of one run: the same committee, the first t members deal (02 §8). */
export function refresh(
  all: readonly Seat[],
  generated: readonly GeneratedKeys[],
  threshold: number,
  wire: Wire,
): Promise<ResharedChunk[]> {
  const keys = (generated[0]?.keys ?? []).map((key) => ({ ...key, deviceKey: NO_DEVICE }))
  const dealers = all.slice(0, threshold)
  return everyone(all, wire, (party, mine) =>
    reshareKeys(
      party,
      {
        kernel: mine.kernel,
        random,
        breathe: async () => undefined,
        mark: async () => undefined,
        vouched: async () => undefined,
        storePending: async () => undefined,
        storeProofs: async () => undefined,
        certify: async (transcript) =>
          new Uint8Array(sign(null, certificateMessage(NETWORK, transcript), mine.secret)),
        verifyCertificate: (from, transcript, signature) => {
          const seat = all[from - 1]
          const message = certificateMessage(NETWORK, transcript)
          return seat !== undefined && verify(null, message, seat.public, signature)
        },
      },
      {
        oldThreshold: threshold,
        threshold,
        dealers,
        receivers: all,
        newcomers: [],
        keyIds: keys.map(({ keyId }) => keyId),
        keys,
        ...(dealers.includes(mine) ? { shares: generated[mine.index - 1]?.shares ?? [] } : {}),
      },
    ),
  )
}
