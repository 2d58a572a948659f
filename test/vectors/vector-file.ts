import { equal } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** SHA-256 of each file as published: a changed vector is no vector. */
const hashes: Record<string, string> = {
  'blake3/test_vectors.json': 'dcb91ea8accc77e6d6e632af7cdc1a99a9f3ae78cf648da595c7d064db32f624',
  'rfc9380/secp256k1_XMD_SHA-256_SSWU_RO_.json':
    '9d164cc6b75415e7b8d150b7db6ab6dc3807643431f0debfad06322f4ca285d7',
  'rfc9380/expand_message_xmd_SHA256_38.json':
    '3b25eccae95ec06a261ea6cedc81520236e74823cfcbe0afe8c02bdf2983f63b',
  'wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json':
    '543dcb717016959f287dfc65af749e4501b9d2ec42824c59d80796aa605695da',
  'wycheproof/ecdsa_secp256k1_sha256_p1363_test.json':
    '7a339efc7134fb2495cd32afdbd692e0f86427d3c24e9073f6a7d858bb8788d2',
  'wycheproof/ed25519_test.json':
    '752d2ea7d7c6cf4736381b6cbacb61f8182b126ab7cd9b058f00c50084975536',
  'rfc9180/x25519-hkdfsha256-chacha20poly1305.json':
    '4bc4e975cdab730252f5a1ae528f14f20ea92694c700f5c42f93ff2c0ecabce6',
  'bip32/bip32.json': '467bada5e4bfdde265ef4d77293d5212c394185c08e28db8978786847018f914',
}

/** The parsed content of a vector file, in the shape that its test states. */
export function vectorFile<Content>(name: string): Content {
  const bytes = readFileSync(new URL(name, import.meta.url))
  equal(createHash('sha256').update(bytes).digest('hex'), hashes[name], `${name} was changed`)
  return JSON.parse(bytes.toString('utf8')) as Content
}

export const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
