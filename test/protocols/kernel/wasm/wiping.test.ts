import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { KernelMisuse } from '../../../../protocols/kernel/kernel.ts'
import { kernelOf } from '../../../../protocols/kernel/load.ts'
import type { Exports } from '../../../../protocols/kernel/wasm/exports.ts'
import { instantiate } from '../../../../protocols/kernel/wasm/instantiate.ts'
import {
  correlate,
  dealKey,
  label,
  pair,
  signCorrelated,
  signTogether,
} from '../../../conformance/kernel-flow.ts'
import { seeded } from '../../../support/seeded.ts'

const WORD = 8 // bytes that are looked for: 64 bits do not occur by chance
const q = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** A kernel whose memory and whose drawn bytes the test sees. */
function watched(seed: string) {
  const draws: Uint8Array[] = []
  const random = seeded(seed)
  const wasm = instantiate((length) => {
    const drawn = random(length)
    draws.push(drawn.slice())
    return drawn
  })
  return { kernel: kernelOf(wasm), wasm, draws }
}

const memoryOf = ({ memory }: Exports): Uint8Array => new Uint8Array(memory.buffer)

/** Everything that lies in slots now, in pieces of eight bytes. */
function secretsIn(wasm: Exports): Set<bigint> {
  const { buffer } = wasm.memory
  const from = wasm.slotsAt()
  const words = new BigUint64Array(buffer, from, (wasm.slotsEnd() - from) / WORD)
  return new Set(words.filter((word) => word > 0xffff_ffffn))
}

/** What was drawn, and the scalars that come of it, in both byte orders. */
function drawnWords(draws: readonly Uint8Array[]): Set<bigint> {
  const words = new Set<bigint>()
  const add = (bytes: Uint8Array): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    for (let at = 0; at + WORD <= bytes.length; at += WORD) {
      words.add(view.getBigUint64(at, true)).add(view.getBigUint64(at))
    }
  }
  for (const drawn of draws) {
    add(drawn)
    if (drawn.length !== 64) continue
    const scalar = BigInt(`0x${Buffer.from(drawn).toString('hex')}`) % q
    add(new Uint8Array(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')))
  }
  return words
}

/** Where one of the words is, at any multiple of four bytes. */
function found(memory: Uint8Array, words: ReadonlySet<bigint>): number[] {
  const view = new DataView(memory.buffer)
  const places: number[] = []
  for (let at = 0; at + WORD <= memory.length; at += 4) {
    if (view.getUint32(at, true) === 0) continue
    if (words.has(view.getBigUint64(at, true))) places.push(at)
  }
  return places
}

describe('memory of the kernel', function () {
  this.timeout(60_000)

  it('holds no secret after sessions of every kind and wipeAll', () => {
    const watch = [watched('wiping lo'), watched('wiping hi')] as const
    const sides = pair(watch[0].kernel, watch[1].kernel)
    const { shares } = dealKey(sides)
    signTogether(sides, shares, label('m'), 'form (a)')
    signCorrelated(sides, shares, label('m'), 'form (b)')
    const { kernel } = watch[0]
    const { deal } = kernel.dealBegin(3, 40)
    kernel.dealProve(deal, label('sid'), label('me'))
    kernel.dealShare(deal, 3)
    kernel.shareProve(shares[0], label('sid'), label('me'), 1)
    kernel.shareIn(kernel.shareOut(shares[0]))
    kernel.rvoleBob(sides[0].bob, seeded('public sid')(32)) // left behind, with its sid

    for (const { kernel, wasm, draws } of watch) {
      const held = secretsIn(wasm)
      for (const word of drawnWords([seeded('public sid')(32)])) held.delete(word)
      const drawn = drawnWords(draws)
      ok(held.size > 7_900, 'the leaves of one pair are as many')
      ok(found(memoryOf(wasm), held).length > 0)
      kernel.wipeAll()
      deepEqual(found(memoryOf(wasm), held), [], 'what was in slots')
      deepEqual(found(memoryOf(wasm), drawn), [], 'what was drawn')
      const slots = memoryOf(wasm).subarray(wasm.slotsAt(), wasm.slotsEnd())
      ok(
        slots.every((byte) => byte === 0),
        'every slot is empty',
      )
      const arena = memoryOf(wasm).subarray(wasm.arenaAt(), wasm.arenaAt() + wasm.arenaBytes())
      ok(
        arena.every((byte) => byte === 0),
        'the arena too',
      )
    }
  })

  it('finds a secret that is still held: the test can fail', () => {
    const { kernel, wasm, draws } = watched('positive control')
    kernel.signBegin()
    equal(found(memoryOf(wasm), drawnWords(draws)).length > 0, true)
    kernel.wipeAll()
    deepEqual(found(memoryOf(wasm), drawnWords(draws)), [])
  })

  it('is what it was before, but for public scratch, whatever the session drew', () => {
    const session = (seed: string): Uint8Array => {
      const { kernel, wasm } = watched(seed)
      const before = memoryOf(wasm).slice()
      const { nonce } = kernel.signBegin()
      const share = kernel.shareIn(label('s'))
      const zeta = kernel.zetaNew(label('a'), label('b'), label('c'))
      kernel.signKey(share, label('\x01'), label('\x02'), [{ zeta, negative: true }], label('d'))
      kernel.wipe(nonce)
      kernel.wipeAll()
      const after = memoryOf(wasm)
      return before.map((byte, at) => byte ^ (after[at] ?? 0))
    }
    const changed = session('one')
    // Same handles, same public inputs, other secrets: what differs from the fresh memory is the same.
    deepEqual(Buffer.compare(changed, session('two')), 0)
  })

  it('does not grow in 10,000 operations', () => {
    const { kernel, wasm } = watched('many')
    const { buffer } = wasm.memory
    for (let k = 0; k < 10_000; k++) kernel.wipe(kernel.shareIn(label(`${k}`)))
    equal(wasm.memory.buffer, buffer)
    equal(buffer.byteLength, 8 * 1024 * 1024)
    equal(kernel.held, 0)
  })

  it('keeps nothing of a correlation that cannot be opened, as one whose Γ is O', () => {
    const [lo, hi] = [watched('O lo'), watched('O hi')]
    const sides = pair(lo.kernel, hi.kernel)
    const { kernel, wasm } = lo
    const [share] = dealKey(sides).shares
    const { nonce } = kernel.signBegin()
    const { key } = kernel.signKey(share, label('\x01'), label('\x02'), [], label('d'))
    const before = memoryOf(wasm).slice()
    const [correlation] = correlate(sides, 'O')
    // Nothing but the correlation is new in the slots: c_1 is its first scalar.
    const from = memoryOf(wasm).findIndex((byte, at) => {
      return at >= wasm.slotsAt() && at % 16 === 0 && byte !== before[at]
    })
    memoryOf(wasm).fill(0, from, from + 32)
    const { held } = kernel
    throws(() => kernel.signOpenCorrelated(nonce, key, correlation), KernelMisuse)
    equal(kernel.held, held - 1)
    const slots = (memory: Uint8Array) => memory.subarray(wasm.slotsAt(), wasm.slotsEnd())
    equal(Buffer.compare(slots(memoryOf(wasm)), slots(before)), 0)
  })

  it('keeps no share that was refused', () => {
    const { kernel, wasm } = watched('refused')
    const good = label('a share that is summed')
    throws(() => kernel.shareSum([good.slice(), new Uint8Array(32).fill(255)], 1))
    const words = new Set(new BigUint64Array(good.buffer))
    deepEqual(found(memoryOf(wasm), words), [])
  })
})
