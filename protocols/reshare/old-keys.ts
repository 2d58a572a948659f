import { equalBytes } from '@noble/curves/utils.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { ProtocolError } from '../session/faults.ts'
import type { Guest } from '../session/guest.ts'
import type { ByGuest } from '../sharing/hashes.ts'
import { knownBytes } from './messages.ts'

/** A key as the old epoch has it: nothing here is secret. */
export interface OldKey {
  readonly keyId: Uint8Array
  readonly curve: number
  /** P, 33 bytes. */
  readonly publicKey: Uint8Array
  readonly chainCode: Uint8Array
  /** F, t × 33 bytes. */
  readonly commitment: Uint8Array
  /** X_D; empty for a key without a device. P = F[0] + X_D. */
  readonly deviceKey: Uint8Array
}

/** What a dealer says of a key to a newcomer. */
export type KnownKey = Pick<OldKey, 'keyId' | 'commitment' | 'chainCode'>

export const encodeKnown = (keys: readonly KnownKey[]): Uint8Array =>
  concatBytes(...keys.flatMap(({ keyId, commitment, chainCode }) => [keyId, commitment, chainCode]))

/** `known` has the length that the codec gave it. */
export const decodeKnown = (known: Uint8Array, oldThreshold: number): KnownKey[] => {
  const bytes = knownBytes(oldThreshold)
  return Array.from({ length: known.length / bytes }, (_, b) => {
    const at = known.slice(b * bytes, (b + 1) * bytes)
    return { keyId: at.slice(0, 32), commitment: at.slice(32, -32), chainCode: at.slice(-32) }
  })
}

/**
 * A newcomer's keys: what every dealer says of them, and `vouched` confirms. Throws `proof` for a dealer that says
 * anything else (02 §8).
 */
export async function introducedKeys(
  round: string,
  keyIds: readonly Uint8Array[],
  oldThreshold: number,
  dealers: readonly Guest[],
  knownOf: ByGuest<Uint8Array>,
  vouched: (key: KnownKey) => Promise<OldKey | undefined>,
): Promise<OldKey[]> {
  let accepted: { readonly known: Uint8Array; readonly keys: readonly OldKey[] } | undefined
  for (const dealer of dealers) {
    const known = knownOf(dealer)
    if (accepted !== undefined && equalBytes(accepted.known, known)) continue
    const keys: OldKey[] = []
    for (const [b, claim] of decodeKnown(known, oldThreshold).entries()) {
      const named = equalBytes(claim.keyId, keyIds[b] ?? new Uint8Array())
      const key = named ? await vouched(claim) : undefined
      if (key === undefined) throw new ProtocolError({ kind: 'proof', round, from: dealer.index })
      keys.push(key)
    }
    if (accepted !== undefined) throw new Error('bug: two different sets of keys are vouched for')
    accepted = { known, keys }
  }
  return [...(accepted?.keys ?? [])]
}
