import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import * as z from 'zod'
import type { Known } from '../../protocols/agreement/chain/verify-committee.ts'
import { HoldfastError } from './holdfast-error.ts'

/** What a client keeps of a network for its next start (03 §3.3): JSON, nothing secret. Bytes are hex. */
export interface NetworkState {
  readonly v: 1
  readonly networkId: string
  readonly rootKey: string
  /** The highest epoch that was verified. */
  readonly e: number
  readonly recordHash: string
}

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))

const NETWORK_STATE: z.ZodType<NetworkState> = z.strictObject({
  v: z.literal(1),
  networkId: hex(32),
  rootKey: hex(33),
  e: z.int().nonnegative(),
  recordHash: hex(32),
})

/** Throws MANIFEST_INVALID for anything that `stateOf` did not write. */
export function readState(value: unknown): Omit<Known, 'committeeId'> {
  const parsed = NETWORK_STATE.safeParse(value)
  if (!parsed.success)
    throw new HoldfastError('MANIFEST_INVALID', {
      message: 'the state is none that a client gave',
      cause: parsed.error,
    })
  const { networkId, rootKey, e, recordHash } = parsed.data
  return {
    networkId: hexToBytes(networkId),
    rootKey: hexToBytes(rootKey),
    newest: { e, recordHash: hexToBytes(recordHash) },
  }
}

export const stateOf = (
  { networkId, rootKey }: Pick<Known, 'networkId' | 'rootKey'>,
  { e, recordHash }: { readonly e: number; readonly recordHash: Uint8Array },
): NetworkState => ({
  v: 1,
  networkId: bytesToHex(networkId),
  rootKey: bytesToHex(rootKey),
  e,
  recordHash: bytesToHex(recordHash),
})
