import { concatBytes } from '@noble/hashes/utils.js'
import { hpkeOpen, hpkeSeal, KEM_KEY_BYTES, TAG_BYTES } from '../crypto/hpke.ts'
import type { Random } from '../crypto/random.ts'

/** What a sealed part is longer than its shares: the encapsulated key and the tag. */
export const PART_OVERHEAD: number = KEM_KEY_BYTES + TAG_BYTES
const NO_AAD = new Uint8Array()

/** Shares for an absent receiver, sealed to its epoch prekey, which its READY has shown to be a key (02 §5). */
export function sealPart(
  random: Random,
  prekey: Uint8Array,
  info: Uint8Array,
  shares: Uint8Array,
): Uint8Array {
  const sealed = hpkeSeal(random, prekey, info, NO_AAD, shares)
  if (sealed === undefined) throw new Error('bug: the prekey of a member is of low order')
  return concatBytes(sealed.encapsulated, sealed.ciphertext)
}

/** `undefined` for whatever was not sealed to this prekey under this info. */
export const openPart = (
  prekeySecret: Uint8Array,
  info: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined =>
  hpkeOpen(prekeySecret, info, NO_AAD, {
    encapsulated: sealed.subarray(0, KEM_KEY_BYTES),
    ciphertext: sealed.subarray(KEM_KEY_BYTES),
  })?.plaintext
