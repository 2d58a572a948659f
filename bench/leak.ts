import { randomBytes } from 'node:crypto'
import { assembled } from '../test/support/assembly.ts'
import { round } from './measure.ts'

const PROBES = 'test/protocols/kernel/assembly/probes'
const ALIGNMENT = 64
/** Of each class' laps the slowest are left out: interrupts, not work. */
const KEPT = 0.9
/** 02 §13. */
const LIMIT = 4.5
/** What goes beyond it is measured again before it counts. */
const MEASUREMENTS = 3
const WARMUP = 500

/** One operation whose time must not depend on `secret`: both classes lie at the same addresses. */
interface Subject {
  readonly name: string
  /** Bytes of the secret input; the fixed class is all `fixed` bytes. */
  readonly secretBytes: number
  readonly fixed: number
  /** How much rarer than the shortest operation it is run. */
  readonly every: number
  /** Makes random bytes a valid secret: scalars are below q. */
  readonly shape?: (secret: Uint8Array) => void
  readonly prepare: (probe: Probe) => { at: number; run: () => void; reset?: () => void }
}

/** A probe's free memory, and its functions. */
interface Probe {
  call(name: string, ...args: number[]): number
  /** A place of that many bytes, random at first. */
  room(bytes: number): number
  bytes(at: number, length: number): Uint8Array
}

const LEAVES = 64 * 16 * 32
const M1 = 9_232
const M2 = 49_248

/** A scalar: least byte first, its highest word below that of q. */
const belowQ = (secret: Uint8Array): void => {
  for (let at = 31; at < secret.length; at += 32) secret[at] = (secret[at] ?? 0) & 0x7f
}

const CURVE: readonly Subject[] = [
  {
    name: 'baseMultiply, scalar',
    secretBytes: 32,
    fixed: 1,
    every: 1,
    shape: belowQ,
    prepare(probe) {
      const [out, at] = [probe.room(80), probe.room(32)]
      return { at, run: () => void probe.call('baseMultiply', out, at) }
    },
  },
  {
    name: 'multiply, scalar',
    secretBytes: 32,
    fixed: 1,
    every: 2,
    shape: belowQ,
    prepare(probe) {
      const [point, out, at, one] = [probe.room(80), probe.room(80), probe.room(32), probe.room(32)]
      probe.bytes(one, 32).fill(3)
      probe.call('baseMultiply', point, one)
      return { at, run: () => void probe.call('multiply', out, point, at) }
    },
  },
  {
    name: 'hashToCurveMany, message',
    secretBytes: 68,
    fixed: 0,
    every: 2,
    prepare(probe) {
      const [out, at] = [probe.room(80), probe.room(68)]
      return { at, run: () => void probe.call('hashToCurveMany', out, at, 1) }
    },
  },
]

const HASHING: readonly Subject[] = [
  {
    name: 'rvoleBob, c′ (β)',
    secretBytes: 80,
    fixed: 0,
    every: 8,
    prepare(probe) {
      const [m1, leaves, sid] = [probe.room(M1), probe.room(LEAVES), probe.room(32)]
      const choice = probe.room(probe.call('choiceSize'))
      const at = probe.room(80)
      return { at, run: () => void probe.call('rvoleBob', m1, choice, leaves, sid, at) }
    },
  },
  {
    name: 'rvoleCheck, Δ (the GF fold with it)',
    secretBytes: 32,
    fixed: 0,
    every: 8,
    prepare(probe) {
      const [leaves, at, sid, m1] = [
        probe.room(LEAVES),
        probe.room(32),
        probe.room(32),
        probe.room(M1),
      ]
      return { at, run: () => void probe.call('rvoleCheck', leaves, at, sid, m1) }
    },
  },
  {
    name: 'rvoleAlice, factors a',
    secretBytes: 96,
    fixed: 0,
    every: 12,
    shape: belowQ,
    prepare(probe) {
      const [m2, c1, c2, sid] = [probe.room(M2), probe.room(32), probe.room(32), probe.room(32)]
      const [delta, at] = [probe.room(32), probe.room(96)]
      const run = (): void =>
        void probe.call('rvoleAlice', m2, c1, c2, delta, sid, at, at + 32, at + 64)
      return { at, run }
    },
  },
  {
    name: 'rvoleFinish, β',
    secretBytes: 80,
    fixed: 0,
    every: 12,
    prepare(probe) {
      const [m1, leaves, sid] = [probe.room(M1), probe.room(LEAVES), probe.room(32)]
      const choice = probe.room(probe.call('choiceSize'))
      const [b, d1, d2, m2] = [probe.room(32), probe.room(32), probe.room(32), probe.room(M2)]
      for (let at = 0; at < M2; at += 32) probe.bytes(m2 + at, 1).fill(0) // big-endian, below q
      const at = probe.room(80)
      return {
        at,
        reset: () => void probe.call('rvoleBob', m1, choice, leaves, sid, at),
        run: () => void probe.call('rvoleFinish', b, d1, d2, choice, m2),
      }
    },
  },
  {
    name: 'pprfEvaluate, choice bits',
    secretBytes: 32,
    fixed: 0,
    every: 8,
    prepare(probe) {
      const [leaves, delta, pprf] = [probe.room(LEAVES), probe.room(32), probe.room(20_480)]
      const [keys, sid, at] = [probe.room(256 * 32), probe.room(32), probe.room(32)]
      return { at, run: () => void probe.call('pprfEvaluate', leaves, delta, pprf, keys, at, sid) }
    },
  },
]

/**
 * Fixed against random secrets, interleaved by chance, at the same addresses (02 §13). A comparison that ends at
 * the first difference comes first: unless that shows, silence means nothing. True when the plant showed and
 * nothing else did.
 */
export async function benchLeaks(runs: number, print: (line: string) => void): Promise<boolean> {
  print('| operation, secret | runs | Welch t | |')
  print('|---|---|---|---|')
  const curve = await probeOf('curve')
  const hashing = await probeOf('hashing')
  const row = (name: string, count: number, ts: readonly number[], verdict: string): void =>
    print(`| ${name} | ${count} | ${ts.map(round).join(', again ')} | ${verdict} |`)
  const planted = measure(plantedLeak, curve, runs)
  const found = Math.abs(planted) > LIMIT
  row(
    'planted: a comparison with an early exit',
    runs,
    [planted],
    found ? 'found' : '**not found**',
  )
  let silent = true
  for (const [probe, subjects] of [
    [curve, CURVE],
    [hashing, HASHING],
  ] as const)
    for (const subject of subjects) {
      const count = Math.max(1_000, Math.round(runs / subject.every))
      const ts = repeated(() => measure(subject, probe, count))
      const leaks = ts.every((t) => Math.abs(t) > LIMIT)
      silent &&= !leaks
      row(subject.name, count, ts, leaks ? '**differs**' : 'no difference found')
    }
  return found && silent
}

/** What a busy machine shows once does not come again; a leak does. */
function repeated(once: () => number): readonly number[] {
  const ts = [once()]
  while (ts.length < MEASUREMENTS && Math.abs(ts.at(-1) ?? 0) > LIMIT) ts.push(once())
  return ts
}

/** Compares two buffers of 256 bytes; equal ones take the whole way. */
const plantedLeak: Subject = {
  name: 'planted',
  secretBytes: 256,
  fixed: 0,
  every: 1,
  prepare(probe) {
    const [at, other] = [probe.room(256), probe.room(256)]
    probe.bytes(other, 256).fill(0)
    let equal = 0
    return {
      at,
      run: () => {
        const [a, b] = [probe.bytes(at, 256), probe.bytes(other, 256)]
        let same = 0
        while (same < 256 && a[same] === b[same]) same++
        equal += same
        if (equal < 0) throw new Error('bug: a count below zero')
      },
    }
  },
}

function measure(subject: Subject, probe: Probe, runs: number): number {
  const { at, run, reset } = subject.prepare(probe)
  const secret = probe.bytes(at, subject.secretBytes)
  const fixed = new Uint8Array(subject.secretBytes).fill(subject.fixed)
  subject.shape?.(fixed)
  const laps: { readonly fixed: number[]; readonly random: number[] } = { fixed: [], random: [] }
  const coins = randomBytes(runs + WARMUP)
  for (let i = 0; i < runs + WARMUP; i++) {
    // The same work for both classes before the clock starts, so that neither warms a cache of its own.
    const drawn = new Uint8Array(randomBytes(subject.secretBytes))
    subject.shape?.(drawn)
    const isFixed = ((coins[i] ?? 0) & 1) === 0
    secret.set(isFixed ? fixed : drawn)
    reset?.()
    const began = performance.now()
    run()
    const lap = performance.now() - began
    if (i >= WARMUP) (isFixed ? laps.fixed : laps.random).push(lap)
  }
  return welch(laps.fixed, laps.random)
}

/** Welch's t of two samples, each without what lies above a common border. */
export function welch(a: readonly number[], b: readonly number[]): number {
  const border = [...a, ...b].sort((x, y) => x - y)[Math.floor(KEPT * (a.length + b.length))] ?? 0
  const [x, y] = [momentsOf(a.filter((v) => v <= border)), momentsOf(b.filter((v) => v <= border))]
  return (x.mean - y.mean) / Math.sqrt(x.variance / x.count + y.variance / y.count)
}

function momentsOf(values: readonly number[]): { count: number; mean: number; variance: number } {
  const count = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { count, mean, variance: squares / (count - 1) }
}

async function probeOf(name: 'curve' | 'hashing'): Promise<Probe> {
  const { memory, exports } = await assembled(`${PROBES}/${name}.ts`)
  const call = (op: string, ...args: number[]): number => {
    const found = exports[op]
    if (found === undefined) throw new Error(`bug: the probe has no ${op}`)
    return found(...args)
  }
  if (name === 'curve') call('curveInit')
  let next = call(name === 'curve' ? 'base' : 'arena')
  const bytes = (at: number, length: number): Uint8Array =>
    new Uint8Array(memory.buffer, at, length)
  return {
    call,
    bytes,
    room(length) {
      const at = next
      next += Math.ceil(length / ALIGNMENT) * ALIGNMENT
      bytes(at, length).set(randomBytes(length))
      return at
    },
  }
}
