import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { type NoiseSuite, TAG_BYTES } from '../../protocols/session/noise-kk.ts'

const SPKI = Buffer.from('302a300506032b656e032100', 'hex') // RFC 8410: SubjectPublicKeyInfo of X25519, before the key

/** The 32 bytes of an X25519 or Ed25519 public key. */
export const rawPublicKey = (key: KeyObject): Uint8Array =>
  new Uint8Array(key.export({ type: 'spki', format: 'der' }).subarray(SPKI.length))

/** X25519 (RFC 7748). node:crypto refuses an all-zero result. */
export function x25519(mine: KeyObject, theirs: Uint8Array): Uint8Array {
  const key = Buffer.concat([SPKI, theirs])
  const publicKey = createPublicKey({ key, format: 'der', type: 'spki' })
  return new Uint8Array(diffieHellman({ privateKey: mine, publicKey }))
}

/** ChaCha20-Poly1305: ciphertext, then the tag. */
export const aeadSeal = (
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array => sealUnder(secretOf(key), nonce, aad, plaintext, 0)

/** `undefined` when it does not authenticate. */
export const aeadOpen = (
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined => openUnder(secretOf(key), nonce, aad, sealed)

/** Of bytes alone the library finds out by a costly exception what they are. */
const secretOf = (key: Uint8Array): KeyObject => createSecretKey(key)

function sealUnder(
  secret: KeyObject,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  room: number,
): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', secret, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(aad, { plaintextLength: plaintext.length })
  const sealed = new Uint8Array(room + plaintext.length + TAG_BYTES)
  sealed.set(cipher.update(plaintext), room) // a stream cipher: all of it, and nothing is left for the end
  cipher.final()
  sealed.set(cipher.getAuthTag(), room + plaintext.length)
  return sealed
}

function openUnder(
  secret: KeyObject,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < TAG_BYTES) return undefined
  const body = sealed.subarray(0, sealed.length - TAG_BYTES)
  const decipher = createDecipheriv('chacha20-poly1305', secret, nonce, {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(aad, { plaintextLength: body.length })
  decipher.setAuthTag(sealed.subarray(body.length))
  const plaintext = decipher.update(body)
  try {
    decipher.final()
  } catch {
    plaintext.fill(0) // unauthentic: nobody may see it
    return undefined
  }
  return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length)
}

/** The primitives of guest-to-guest channels, from node:crypto; private keys stay key objects. */
export const nodeSuite: NoiseSuite<KeyObject> = {
  generate() {
    const { privateKey, publicKey } = generateKeyPairSync('x25519')
    return { privateKey, publicKey: rawPublicKey(publicKey) }
  },
  dh: x25519,
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  hmacSha256: (key, data) => new Uint8Array(createHmac('sha256', key).update(data).digest()),
  seal: aeadSeal,
  open: aeadOpen,
  under(key) {
    const secret = secretOf(key)
    return {
      seal: (nonce, aad, plaintext, room) => sealUnder(secret, nonce, aad, plaintext, room),
      open: (nonce, aad, sealed) => openUnder(secret, nonce, aad, sealed),
    }
  },
}
