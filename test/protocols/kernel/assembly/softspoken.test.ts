import { deepEqual, equal } from 'node:assert/strict'
import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { bytesOf } from '../../../../protocols/kernel/reference/hash.ts'
import {
  extendAlice,
  extendBob,
  M1_BYTES,
} from '../../../../protocols/kernel/reference/softspoken.ts'
import { seeded } from '../../../support/seeded.ts'
import { dealtLeaves } from '../reference/dealt-leaves.ts'
import { Arena, COMPILATION_TIMEOUT_MS } from './arena.ts'

const COLUMN_BYTES = 640 * 32

const random = seeded('kernel softspoken')
const { bob, alice } = dealtLeaves(random)

describe('extension of base OTs in the kernel', () => {
  let arena: Arena
  before(async function () {
    this.timeout(COMPILATION_TIMEOUT_MS)
    arena = await Arena.of('hashing')
  })
  beforeEach(() => arena.clear())

  const columns = (): Uint8Array => arena.read(arena.call['columnsAt']?.() ?? 0, COLUMN_BYTES)

  function byBob(leaves: Uint8Array, sid: Uint8Array, choice: Uint8Array): Uint8Array {
    arena.clear()
    const m1 = arena.room(M1_BYTES)
    arena.call['extendBob']?.(m1, arena.put(leaves), arena.put(sid), arena.put(choice))
    return arena.read(m1, M1_BYTES)
  }

  function byAlice(sid: Uint8Array, m1: Uint8Array): number | undefined {
    arena.clear()
    const [leaves, delta] = [arena.put(bytesOf(alice.leaves)), arena.put(alice.delta)]
    return arena.call['extendAlice']?.(leaves, delta, arena.put(sid), arena.put(m1))
  }

  it("makes m1 and the columns of the reference on Bob's side", () => {
    for (const choice of [random(80), new Uint8Array(80), new Uint8Array(80).fill(0xff)]) {
      const sid = random(32)
      const expected = extendBob(bob.leaves, sid, choice)
      deepEqual(byBob(bytesOf(bob.leaves), sid, choice), expected.m1)
      deepEqual(columns(), bytesOf(expected.columns))
    }
  })

  it("makes the columns of the reference on Alice's side", () => {
    const sid = random(32)
    const { m1 } = extendBob(bob.leaves, sid, random(80))
    const expected = extendAlice(alice.leaves, alice.delta, sid, m1)
    equal(byAlice(sid, m1), 1)
    deepEqual(columns(), expected && bytesOf(expected))
    arena.call['wipeExtension']?.()
    deepEqual(columns(), new Uint8Array(COLUMN_BYTES))
  })

  it('gives the known m1 of 02 §1.4', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i)
    const zero = new Uint8Array(32)
    const leaves = Array.from({ length: 1024 }, (_, i) => {
      const body = concatBytes(utf8ToBytes('TEST'), Uint8Array.of(0, i >> 4, i & 15, 0), zero)
      return blake3(body, { key })
    })
    const m1 = byBob(concatBytes(...leaves), zero, new Uint8Array(80).fill(0xff))
    const hash = Buffer.from(blake3(m1)).toString('hex')
    equal(hash, 'c1dbf2b41e2c10382ee4581b116ad4d747ca21db0ec902d07505f465b081a041')
  })

  it('refuses m1 with a bit of U, x̂ or t̂ changed, and m1 of another execution', () => {
    const sid = random(32)
    const { m1 } = extendBob(bob.leaves, sid, random(80))
    for (const at of [0, 4096 + 1000, 5119, 5120, 5135, 5136, 5136 + 16 * 255 + 15]) {
      const changed = m1.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x10
      equal(byAlice(sid, changed), 0)
    }
    equal(byAlice(random(32), m1), 0)
    equal(byAlice(sid, m1), 1)
  })
})
