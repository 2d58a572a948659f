import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Random } from '../crypto/random.ts'

/**
 * `Noise_KK_25519_ChaChaPoly_SHA256` (Noise revision 34, 04 §11). Both statics are known beforehand:
 *   -> e, es, ss
 *   <- e, ee, se
 */
const PROTOCOL = 'Noise_KK_25519_ChaChaPoly_SHA256' // 32 bytes, so it is the first h as it stands
const KEY_BYTES = 32
export const TAG_BYTES = 16
const FIRST_NONCE: Uint8Array = new Uint8Array(12) // every key of the handshake seals once

/** The primitives. `Key` is a private key in whatever form the implementation keeps it. */
export interface NoiseSuite<Key> {
  /** A fresh X25519 key pair. */
  generate(): NoiseKeyPair<Key>
  /** X25519. May throw for an all-zero result, which is refused in any case. */
  dh(mine: Key, theirs: Uint8Array): Uint8Array
  sha256(data: Uint8Array): Uint8Array
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array
  /** ChaCha20-Poly1305, 12-byte nonce. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** `undefined` when it does not authenticate. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | undefined
  /** The same under one key, of which it keeps a copy, for many messages. */
  under(key: Uint8Array): KeyedCipher
}

export interface KeyedCipher {
  /** As `seal` of the suite, behind `room` zero bytes that are the caller's. */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, room: number): Uint8Array
  /** As `open` of the suite; the plaintext is the caller's alone. */
  open(nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined
}

export interface NoiseKeyPair<Key> {
  readonly privateKey: Key
  readonly publicKey: Uint8Array
}

export interface KkStatics<Key> {
  readonly mine: NoiseKeyPair<Key>
  readonly theirs: Uint8Array
}

/** What a finished handshake leaves: a key for each direction and the hash both sides share. */
export interface NoiseSecrets {
  readonly send: Uint8Array
  readonly receive: Uint8Array
  readonly hash: Uint8Array
}

/** The message is not one of a handshake between these two statics under this prologue. */
export class NoiseError extends Error {
  override readonly name = 'NoiseError'
}

export interface Initiation {
  readonly message: Uint8Array
  /** Takes the second message. Throws `NoiseError`, and can then be tried with another one. */
  finish(message: Uint8Array): { payload: Uint8Array; secrets: NoiseSecrets }
}

/** The initiator's first message, with a fresh ephemeral key. */
export function initiate<Key>(
  suite: NoiseSuite<Key>,
  { mine, theirs }: KkStatics<Key>,
  prologue: Uint8Array,
  payload: Uint8Array,
): Initiation {
  const state = begin(suite, prologue, mine.publicKey, theirs)
  const e = suite.generate()
  mixHash(suite, state, e.publicKey)
  mixKey(suite, state, agree(suite, e.privateKey, theirs)) // es
  mixKey(suite, state, agree(suite, mine.privateKey, theirs)) // ss
  const message = concatBytes(e.publicKey, encryptAndHash(suite, state, payload))
  return {
    message,
    finish(answer) {
      const after = { ...state }
      const re = ephemeral(answer)
      mixHash(suite, after, re)
      mixKey(suite, after, agree(suite, e.privateKey, re)) // ee
      mixKey(suite, after, agree(suite, mine.privateKey, re)) // se
      const opened = decryptAndHash(suite, after, answer.subarray(KEY_BYTES))
      const [send, receive] = split(suite, after)
      return { payload: opened, secrets: { send, receive, hash: after.h } }
    },
  }
}

export interface Response {
  /** The initiator's payload: authenticated, but it may be a replay until data comes on the channel. */
  readonly payload: Uint8Array
  answer(payload: Uint8Array): { message: Uint8Array; secrets: NoiseSecrets }
}

/** The responder's side of the first message. Throws `NoiseError`. */
export function respond<Key>(
  suite: NoiseSuite<Key>,
  { mine, theirs }: KkStatics<Key>,
  prologue: Uint8Array,
  message: Uint8Array,
): Response {
  const state = begin(suite, prologue, theirs, mine.publicKey)
  const re = ephemeral(message)
  mixHash(suite, state, re)
  mixKey(suite, state, agree(suite, mine.privateKey, re)) // es
  mixKey(suite, state, agree(suite, mine.privateKey, theirs)) // ss
  const payload = decryptAndHash(suite, state, message.subarray(KEY_BYTES))
  return {
    payload,
    answer(mineToSay) {
      const after = { ...state }
      const e = suite.generate()
      mixHash(suite, after, e.publicKey)
      mixKey(suite, after, agree(suite, e.privateKey, re)) // ee
      mixKey(suite, after, agree(suite, e.privateKey, theirs)) // se
      const answered = concatBytes(e.publicKey, encryptAndHash(suite, after, mineToSay))
      const [receive, send] = split(suite, after)
      return { message: answered, secrets: { send, receive, hash: after.h } }
    },
  }
}

/** The suite for browsers and devices, and the oracle of tests; guests bring that of their platform. */
export const nobleSuite = (random: Random): NoiseSuite<Uint8Array> => ({
  generate() {
    const privateKey = random(KEY_BYTES)
    return { privateKey, publicKey: x25519.getPublicKey(privateKey) }
  },
  dh: (mine, theirs) => x25519.getSharedSecret(mine, theirs),
  sha256: (data) => sha256(data),
  hmacSha256: (key, data) => hmac(sha256, key, data),
  seal: nobleSeal,
  open: nobleOpen,
  under(key) {
    const own = key.slice()
    return {
      seal: (nonce, aad, plaintext, room) =>
        concatBytes(new Uint8Array(room), nobleSeal(own, nonce, aad, plaintext)),
      open: (nonce, aad, ciphertext) => nobleOpen(own, nonce, aad, ciphertext),
    }
  },
})

const nobleSeal: NoiseSuite<never>['seal'] = (key, nonce, aad, plaintext) =>
  chacha20poly1305(key, nonce, aad).encrypt(plaintext)

const nobleOpen: NoiseSuite<never>['open'] = (key, nonce, aad, ciphertext) => {
  try {
    return chacha20poly1305(key, nonce, aad).decrypt(ciphertext)
  } catch {
    return undefined // noble throws for one reason only: it does not authenticate
  }
}

interface SymmetricState {
  ck: Uint8Array
  h: Uint8Array
  k: Uint8Array
}

type Hashes = Pick<NoiseSuite<unknown>, 'sha256' | 'hmacSha256' | 'seal' | 'open'>

function begin(
  suite: Hashes,
  prologue: Uint8Array,
  initiator: Uint8Array,
  responder: Uint8Array,
): SymmetricState {
  const name = utf8ToBytes(PROTOCOL)
  const state = { ck: name, h: name, k: new Uint8Array(KEY_BYTES) }
  for (const known of [prologue, initiator, responder]) mixHash(suite, state, known)
  return state
}

function mixHash(suite: Hashes, state: SymmetricState, data: Uint8Array): void {
  state.h = suite.sha256(concatBytes(state.h, data))
}

function mixKey(suite: Hashes, state: SymmetricState, input: Uint8Array): void {
  const [ck, k] = hkdf(suite, state.ck, input)
  input.fill(0)
  state.ck = ck
  state.k = k
}

function encryptAndHash(suite: Hashes, state: SymmetricState, plaintext: Uint8Array): Uint8Array {
  const ciphertext = suite.seal(state.k, FIRST_NONCE, state.h, plaintext)
  mixHash(suite, state, ciphertext)
  return ciphertext
}

function decryptAndHash(suite: Hashes, state: SymmetricState, ciphertext: Uint8Array): Uint8Array {
  const plaintext =
    ciphertext.length < TAG_BYTES
      ? undefined
      : suite.open(state.k, FIRST_NONCE, state.h, ciphertext)
  if (plaintext === undefined) throw new NoiseError('the handshake does not authenticate')
  mixHash(suite, state, ciphertext)
  return plaintext
}

function split(suite: Hashes, state: SymmetricState): [Uint8Array, Uint8Array] {
  const keys = hkdf(suite, state.ck, new Uint8Array())
  state.ck.fill(0)
  state.k.fill(0)
  return keys
}

/** HKDF of the Noise specification, two outputs. */
function hkdf(suite: Hashes, ck: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array] {
  const temporary = suite.hmacSha256(ck, input)
  const first = suite.hmacSha256(temporary, Uint8Array.of(1))
  const second = suite.hmacSha256(temporary, concatBytes(first, Uint8Array.of(2)))
  temporary.fill(0)
  return [first, second]
}

function ephemeral(message: Uint8Array): Uint8Array {
  if (message.length < KEY_BYTES + TAG_BYTES) throw new NoiseError('a handshake cut short')
  return message.slice(0, KEY_BYTES)
}

/** An all-zero secret means a point of small order: anyone could compute it (RFC 7748 §6.1). */
function agree<Key>(suite: Pick<NoiseSuite<Key>, 'dh'>, mine: Key, theirs: Uint8Array): Uint8Array {
  let shared: Uint8Array
  try {
    shared = suite.dh(mine, theirs)
  } catch (cause) {
    throw new NoiseError('no shared secret', { cause })
  }
  if (shared.reduce((sum, byte) => sum | byte, 0) === 0) throw new NoiseError('no shared secret')
  return shared
}
