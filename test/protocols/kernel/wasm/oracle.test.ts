import { deepEqual, notDeepEqual, ok } from 'node:assert/strict'
import { type Tag, tags } from '../../../../protocols/crypto/tags.ts'
import { oracle } from '../../../../protocols/crypto/transcript.ts'
import { kernelOf } from '../../../../protocols/kernel/load.ts'
import { instantiate } from '../../../../protocols/kernel/wasm/instantiate.ts'
import { seeded } from '../../../support/seeded.ts'

const SLOW_MS = 30_000 // megabytes of hashing in JavaScript on a busy machine

describe('the oracle of the kernel equals that of protocols/crypto', function () {
  this.timeout(SLOW_MS)
  const random = seeded('oracle of the kernel')
  const wasm = instantiate(random)
  const kernel = kernelOf(wasm)
  const agree = (tag: Tag, length: number, ...fields: Uint8Array[]): void =>
    deepEqual(kernel.oracle(tag, length, ...fields), oracle(tag, length, ...fields))

  it('for every tag', () => {
    for (const tag of Object.values(tags)) agree(tag, 32, random(32), random(33), random(2))
  })

  it('for any tag, however long', () => {
    for (const length of [0, 1, 63, 64, 65, 1024, 1025, 5000])
      agree('x'.repeat(length) as Tag, 32, random(40))
  })

  it('for one field of each length around every boundary up to 70,000', () => {
    const lengths = new Set<number>()
    for (const around of [0, 64, 128, 1024, 2048, 3072, 4096, 5120, 8192, 16_384, 65_536, 70_000])
      for (let off = -6; off <= 6; off++) lengths.add(Math.min(70_000, Math.max(0, around + off)))
    for (let i = 0; i < 60; i++) lengths.add(random(4).reduce((n, b) => n * 256 + b, 0) % 70_001)
    const bytes = random(70_000)
    for (const length of lengths) agree(tags.correlationTranscript, 32, bytes.subarray(0, length))
  })

  it('for fields that lie across the pieces in which they are hashed', () => {
    const piece = 128 * 1024
    const bytes = random(2 * piece + 8)
    for (const at of [piece, 2 * piece])
      for (let off = -12; off <= 4; off++)
        agree(tags.dealPublic, 32, bytes.subarray(0, at + off), bytes.subarray(0, 3))
  })

  it('for many fields of any lengths, empty ones too', () => {
    for (let i = 0; i < 40; i++) {
      const count = 1 + ((random(1)[0] ?? 0) % 50)
      const fields = Array.from({ length: count }, () => {
        const [high = 0, low = 0] = random(2)
        return random(high % 4 === 0 ? low : ((high << 8) | low) % 9300)
      })
      agree(tags.correlationTranscript, 32, ...fields)
    }
    agree(tags.pok, 32)
    agree(tags.pok, 32, ...Array.from({ length: 3000 }, () => new Uint8Array()))
  })

  it('for every length of output', () => {
    for (const length of [1, 8, 16, 31, 32, 33, 63, 64, 65, 128, 1000])
      agree(tags.pok, length, random(50))
  })

  it('for what lies inside a longer buffer, and leaves it as it was', () => {
    const whole = random(500)
    const before = whole.slice()
    agree(tags.pok, 32, whole.subarray(100, 333), Buffer.from(whole).subarray(7, 9))
    deepEqual(whole, before)
  })

  it('with another answer for other fields', () => {
    const [a, b] = [random(5), random(7)]
    notDeepEqual(kernel.oracle(tags.pok, 32, a, b), kernel.oracle(tags.pok, 32, b, a))
    notDeepEqual(kernel.oracle(tags.pok, 32, a), kernel.oracle(tags.pok, 32, a, new Uint8Array()))
  })

  it('and keeps nothing of what it hashed', () => {
    const secret = random(200_000)
    kernel.oracle(tags.pairCom, 32, secret.subarray(0, 32), secret)
    const memory = Buffer.from(wasm.memory.buffer)
    for (let at = 0; at + 16 <= secret.length; at += 4001)
      ok(!memory.includes(Buffer.from(secret.subarray(at, at + 16))), `byte ${at} is still there`)
  })
})
