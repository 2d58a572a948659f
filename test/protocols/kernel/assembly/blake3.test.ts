import { deepEqual, equal } from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { keyedHash } from '../../../../protocols/kernel/reference/hash.ts'
import { seeded } from '../../../support/seeded.ts'
import { vectorFile } from '../../../vectors/vector-file.ts'
import { Arena, COMPILATION_TIMEOUT_MS } from './arena.ts'

interface Vectors {
  readonly key: string
  readonly context_string: string
  readonly cases: readonly {
    readonly input_len: number
    readonly hash: string
    readonly keyed_hash: string
    readonly derive_key: string
  }[]
}

const LONGEST = 102_400
const vectors = vectorFile<Vectors>('blake3/test_vectors.json')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('BLAKE3 of the kernel', () => {
  let arena: Arena
  before(async function () {
    this.timeout(COMPILATION_TIMEOUT_MS)
    arena = await Arena.of('hashing')
  })
  beforeEach(() => arena.clear())

  it('gives the official vectors in all three modes', () => {
    const input = arena.put(Uint8Array.from({ length: LONGEST }, (_, i) => i % 251))
    const key = arena.put(utf8ToBytes(vectors.key))
    const context = utf8ToBytes(vectors.context_string)
    const contextAt = arena.put(context)
    const out = arena.room(131)
    equal(vectors.cases.length, 35)
    for (const { input_len, hash, keyed_hash, derive_key } of vectors.cases) {
      arena.call['blake3Hash']?.(out, 131, input, input_len)
      equal(hex(arena.read(out, 131)), hash)
      arena.call['keyed']?.(out, 131, key, input, input_len)
      equal(hex(arena.read(out, 131)), keyed_hash)
      arena.call['derive']?.(out, 131, contextAt, context.length, input, input_len)
      equal(hex(arena.read(out, 131)), derive_key)
    }
  })

  it('equals noble for every length to 3,000, and outputs to 300 bytes', () => {
    const bytes = seeded('blake3 lengths')(3_000)
    const input = arena.put(bytes)
    const out = arena.room(300)
    for (let length = 0; length <= 3_000; length++) {
      const dkLen = 1 + ((length * 7) % 300)
      arena.call['blake3Hash']?.(out, dkLen, input, length)
      deepEqual(arena.read(out, dkLen), blake3(bytes.subarray(0, length), { dkLen }), `${length}`)
    }
  })

  it('equals noble where chunks and groups of four begin and end, to 70,000 bytes', () => {
    const bytes = seeded('blake3 chunks')(70_000)
    const input = arena.put(bytes)
    const out = arena.room(32)
    for (const chunks of [3, 4, 5, 7, 8, 9, 12, 16, 17, 31, 32, 48, 63, 64, 68]) {
      for (const more of [-1, 0, 1, 64]) {
        const length = 1024 * chunks + more
        arena.call['blake3Hash']?.(out, 32, input, length)
        deepEqual(arena.read(out, 32), blake3(bytes.subarray(0, length)), `${length}`)
      }
    }
  })

  it('does not depend on where the input is cut', () => {
    const bytes = seeded('blake3 parts')(9_000)
    const input = arena.put(bytes)
    const out = arena.room(32)
    const key = arena.put(bytes.subarray(0, 32))
    const expected = blake3(bytes, { key: bytes.subarray(0, 32) })
    for (const cut of [0, 1, 40, 63, 64, 65, 960, 1023, 1024, 1025, 4096, 5120, 8192, 8999, 9000]) {
      arena.call['parts']?.(out, key, input, bytes.length, cut)
      deepEqual(arena.read(out, 32), expected, `${cut}`)
    }
  })

  it('hashes a block under a key as the reference does', () => {
    const random = seeded('blake3 block')
    const out = arena.room(100)
    for (let length = 0; length <= 60; length++) {
      const [key, body] = [random(32), random(length)]
      arena.call['keyedBlock']?.(out, 100, arena.put(key), 0x45455254, arena.put(body), length)
      deepEqual(arena.read(out, 100), keyedHash(key, 'TREE', 100, body))
    }
  })
})
