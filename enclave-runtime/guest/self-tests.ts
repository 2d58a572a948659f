import { createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { blake3 } from '@noble/hashes/blake3.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import type { Kernel } from '../../protocols/kernel/kernel.ts'
import { aeadOpen, aeadSeal, x25519 } from './noise-suite.ts'

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i) // 00 01 … 1f
const AAD = Uint8Array.of(1, 2, 3)
const ED25519_SPKI = '302a300506032b6570032100' // RFC 8410, before the key
const X25519_PKCS8 = '302e020100300506032b656e04220420' // RFC 8410, before the secret
const G = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
const ECDSA_KEY = '02531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337'

/** Stored answers, made by noble; the comments of each say over what. */
const ANSWERS = {
  blake3: 'e528e95798037df410543d9f31e396ecdd458d71b157d6014398bae32fb56c65', // KEY
  // KEY under KEY, nonce zero, AAD
  aead: '18b94032a9e3a0d61b68566aa34e4028e8a0e1e6f5b84d4bf4e1e60936286b43e2c1f58e8799bc2838d8b6d4c8d32c09',
  ed25519Key: '03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8', // seed KEY
  ed25519:
    'b335dc5eae70b48764f11207bbaa62757cbb94e820ceba376aeb62a5815dfabe784217758836ca28504a36a2160abbdc9e7874fe1d6524a58665ef2c426da30e',
  x25519Key: '358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254', // of 20 21 … 3f
  x25519: '9663aa1da97e848a914a436d04163dfbb89178f107f1b5b77ed3854203382854', // KEY and that key
  r: 'd6de18cc1a9ac7e6cbea3f4499fdae02177a4bb719bbd5c3b2041511f943c366', // KEY as the digest
  s: '47f138fff34bb23ae4e48b5e0a58128c5db9cc5cbe3fbc2b9fde74cc09e73225',
  sum: '03ac25258dd8ddd8f00fef7a67be5b6fbced888343c5f169296c8f00e4f5c2ee1a', // G + the ECDSA key
}

/** The first self-test that fails, by name; undefined when this machine computes rightly (04 §1). */
export function failedSelfTest(kernel: Kernel): string | undefined {
  const tests: Readonly<Record<string, () => boolean>> = {
    BLAKE3: () => hex(blake3(KEY)) === ANSWERS.blake3,
    AEAD: () => {
      const sealed = aeadSeal(KEY, new Uint8Array(12), AAD, KEY)
      const opened = aeadOpen(KEY, new Uint8Array(12), AAD, sealed)
      sealed[0] = (sealed[0] ?? 0) ^ 1
      const altered = aeadOpen(KEY, new Uint8Array(12), AAD, sealed)
      sealed[0] ^= 1
      return hex(sealed) === ANSWERS.aead && hex(opened) === hex(KEY) && altered === undefined
    },
    ED25519: () => isSigned(KEY) && !isSigned(AAD),
    X25519: () => {
      const der = Buffer.concat([Buffer.from(X25519_PKCS8, 'hex'), KEY])
      const mine = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
      return hex(x25519(mine, hexToBytes(ANSWERS.x25519Key))) === ANSWERS.x25519
    },
    ECDSA: () => {
      const signature = { r: hexToBytes(ANSWERS.r), s: hexToBytes(ANSWERS.s), recovery: 0 }
      const key = hexToBytes(ECDSA_KEY)
      const other = new Uint8Array(32)
      return kernel.ecdsaVerify(key, KEY, signature) && !kernel.ecdsaVerify(key, other, signature)
    },
    KERNEL: () => {
      const sum = kernel.sumPoints([hexToBytes(G), hexToBytes(ECDSA_KEY)])
      const share = kernel.shareIn(new Uint8Array(32).fill(3)) // the ECDSA key's secret
      const point = kernel.sharePublic(share)
      kernel.wipe(share)
      return hex(sum) === ANSWERS.sum && hex(point) === ECDSA_KEY && kernel.held === 0
    },
  }
  return Object.keys(tests).find((name) => tests[name]?.() !== true)
}

function isSigned(message: Uint8Array): boolean {
  const der = Buffer.from(ED25519_SPKI + ANSWERS.ed25519Key, 'hex')
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verify(null, message, key, hexToBytes(ANSWERS.ed25519))
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
