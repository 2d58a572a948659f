import { tags } from '../../crypto/tags.ts'
import { oracle } from '../../crypto/transcript.ts'
import { keyedBlock } from './blake3-block.ts'
import { bigEndian, mod, q, type Random, randomScalar, readScalar, wide } from './curve.ts'
import { bit, equal } from './fields.ts'
import { bytesOf, codeWord, wordsOf } from './hash.ts'
import type { Secrets } from './secrets.ts'
import {
  CHOICE_BYTES,
  COLUMN_WORDS,
  COLUMNS,
  extendAlice,
  extendBob,
  M1_BYTES,
} from './softspoken.ts'

export { M1_BYTES }

const WIDTH = 3 // ℓ + ρ
const A_BYTES = COLUMNS * WIDTH * 32
const MU_BYTES = 64
export const M2_BYTES: number = A_BYTES + 32 + MU_BYTES
const BETA_BYTES = COLUMNS / 8

/** Bob (02 §3.1): m1, and b = Σ β_j g_j with all that the check of m2 needs. */
export function begin(
  random: Random,
  bob: Secrets['bob'],
  sid: Uint8Array,
): { m1: Uint8Array; choice: Secrets['choice'] } {
  const c = random(CHOICE_BYTES)
  const { m1, columns } = extendBob(bob.leaves, sid, c)
  const beta = c.slice(0, BETA_BYTES)
  c.fill(0)
  const gamma = padsOf(sid, columns)
  columns.fill(0)
  const gadget = gadgetOf(sid)
  let b = 0n
  for (let j = 0; j < COLUMNS; j++) b += (gadget[j] as bigint) & -BigInt(bit(beta, j))
  return { m1, choice: { sid: Uint8Array.from(sid), beta, b: mod(b), gamma, gadget } }
}

/** Alice (02 §3.2): checks m1; m2 and her shares c of a·b. `undefined` when the COTe check fails. */
export function answer(
  random: Random,
  { leaves, delta }: Secrets['alice'],
  sid: Uint8Array,
  m1: Uint8Array,
  a1: bigint,
  a2: bigint,
): { m2: Uint8Array; product: Secrets['alice-product'] } | undefined {
  const columns = extendAlice(leaves, delta, sid, m1)
  if (columns === undefined) return undefined
  const alpha0 = padsOf(sid, columns)
  shiftColumns(columns, delta)
  const alpha1 = padsOf(sid, columns)
  columns.fill(0)
  const check = randomScalar(random) // â
  const factors = [a1, a2, check]
  const m2 = new Uint8Array(M2_BYTES)
  const scalars = new ScalarWriter(m2)
  for (let at = 0; at < alpha0.length; at++) {
    const a = factors[at % WIDTH] as bigint
    scalars.write(mod((alpha0[at] as bigint) - (alpha1[at] as bigint) + a))
  }
  const [theta1, theta2] = thetas(sid, m2.subarray(0, A_BYTES))
  scalars.write(mod(check + theta1 * a1 + theta2 * a2))
  m2.set(muOf(sid, checkVector(alpha0, theta1, theta2)), A_BYTES + 32)
  const gadget = gadgetOf(sid)
  const c1 = mod(-weighted(gadget, alpha0, 0))
  const c2 = mod(-weighted(gadget, alpha0, 1))
  return { m2, product: { c1, c2 } }
}

/** Bob (02 §3.3): checks m2; his shares d of a·b. */
export function finish(
  { sid, beta, b, gamma, gadget }: Secrets['choice'],
  m2: Uint8Array,
): Secrets['bob-product'] | 'mu' | 'malformed' {
  const scalars: bigint[] = []
  for (let at = 0; at < A_BYTES + 32; at += 32) {
    const scalar = readScalar(m2.subarray(at, at + 32))
    if (scalar === undefined) return 'malformed'
    scalars.push(scalar)
  }
  const eta = scalars.pop() as bigint
  const d = gamma.map((pad, at) => {
    const mask = -BigInt(bit(beta, Math.floor(at / WIDTH)))
    return pad + ((scalars[at] as bigint) & mask)
  })
  const [theta1, theta2] = thetas(sid, m2.subarray(0, A_BYTES))
  const vector = checkVector(d, theta1, theta2).map((value, j) =>
    mod(value - (eta & -BigInt(bit(beta, j)))),
  )
  const good = equal(muOf(sid, vector), m2.subarray(A_BYTES + 32))
  if (!good) return 'mu'
  return { b, d1: mod(weighted(gadget, d, 0)), d2: mod(weighted(gadget, d, 1)) }
}

/** COLH of every column: 512 × 3 scalars, row-major. */
function padsOf(sid: Uint8Array, columns: Uint32Array): bigint[] {
  const key = wordsOf(oracle(tags.rvoleColumn, 32, sid))
  const message = new Uint32Array(16)
  message[0] = codeWord('COLH')
  const out = new Uint32Array(WIDTH * 8)
  const bytes = bytesOf(out)
  const pads: bigint[] = []
  for (let j = 0; j < COLUMNS; j++) {
    message[1] = j
    const at = j * COLUMN_WORDS
    for (let k = 0; k < COLUMN_WORDS; k++) message[2 + k] = columns[at + k] as number
    keyedBlock(key, 0, message, 40, out, 0, out.length)
    for (let i = 0; i < WIDTH; i++) pads.push(bigEndian(bytes.subarray(32 * i, 32 * i + 32)) % q)
  }
  message.fill(0)
  out.fill(0)
  return pads
}

/** g_j = GADG(j), public. */
export function gadgetOf(sid: Uint8Array): bigint[] {
  const key = wordsOf(oracle(tags.rvoleGadget, 32, sid))
  const message = new Uint32Array(16)
  message[0] = codeWord('GADG')
  const out = new Uint32Array(16)
  return Array.from({ length: COLUMNS }, (_, j) => {
    message[1] = j
    keyedBlock(key, 0, message, 6, out, 0, out.length)
    return wide(bytesOf(out))
  })
}

/** Every column ⊕= Δ. */
function shiftColumns(columns: Uint32Array, delta: Uint8Array): void {
  const words = wordsOf(delta)
  for (let at = 0; at < COLUMNS * COLUMN_WORDS; at++) {
    columns[at] = (columns[at] as number) ^ (words[at % COLUMN_WORDS] as number)
  }
  words.fill(0)
}

function thetas(sid: Uint8Array, A: Uint8Array): [bigint, bigint] {
  const bytes = oracle(tags.rvoleTheta, 128, sid, A)
  return [wide(bytes.subarray(0, 64)), wide(bytes.subarray(64))]
}

/** {x_{j,3} + θ_1 x_{j,1} + θ_2 x_{j,2}}_j */
function checkVector(x: readonly bigint[], theta1: bigint, theta2: bigint): bigint[] {
  return Array.from({ length: COLUMNS }, (_, j) => {
    const [x1 = 0n, x2 = 0n, x3 = 0n] = x.slice(j * WIDTH, (j + 1) * WIDTH)
    return (x3 + theta1 * x1 + theta2 * x2) % q
  })
}

function muOf(sid: Uint8Array, vector: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(COLUMNS * 32)
  const scalars = new ScalarWriter(bytes)
  for (const value of vector) scalars.write(value)
  const mu = oracle(tags.rvoleMu, MU_BYTES, sid, bytes)
  bytes.fill(0)
  return mu
}

/** Σ g_j x_{j,i}, not reduced. */
function weighted(gadget: readonly bigint[], x: readonly bigint[], i: number): bigint {
  let sum = 0n
  for (let j = 0; j < COLUMNS; j++) sum += (gadget[j] as bigint) * (x[j * WIDTH + i] as bigint)
  return sum
}

/** Writes scalars one after another. */
class ScalarWriter {
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  write(value: bigint): void {
    for (let shift = 192n; shift >= 0n; shift -= 64n) {
      this.#view.setBigUint64(this.#at, BigInt.asUintN(64, value >> shift))
      this.#at += 8
    }
  }
}
