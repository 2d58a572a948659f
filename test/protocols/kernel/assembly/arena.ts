import type { Random } from '../../../../protocols/crypto/random.ts'
import { q, writeScalar } from '../../../../protocols/kernel/reference/curve.ts'
import { type Assembled, assembled } from '../../../support/assembly.ts'

const ALIGNMENT = 16

/** The first test of a source compiles it. */
export const COMPILATION_TIMEOUT_MS = 120_000

/** A probe with a part of its memory that is given out piece by piece. */
export class Arena {
  readonly call: Assembled['exports']
  readonly #memory: Assembled['memory']
  readonly #start: number
  #next: number

  constructor({ memory, exports }: Assembled) {
    this.call = exports
    this.#memory = memory
    this.#start = exports['arena']?.() ?? 0
    this.#next = this.#start
  }

  static async of(probe: string): Promise<Arena> {
    return new Arena(await assembled(`test/protocols/kernel/assembly/probes/${probe}.ts`))
  }

  room(length: number): number {
    const at = this.#next
    this.#next += Math.ceil(length / ALIGNMENT) * ALIGNMENT
    return at
  }

  put(bytes: Uint8Array): number {
    const at = this.room(bytes.length)
    this.write(at, bytes)
    return at
  }

  write(at: number, bytes: Uint8Array): void {
    new Uint8Array(this.#memory.buffer).set(bytes, at)
  }

  read(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer).slice(at, at + length)
  }

  /** All memory but what was given out. */
  outside(): Buffer {
    const memory = new Uint8Array(this.#memory.buffer)
    return Buffer.concat([memory.subarray(0, this.#start), memory.subarray(this.#next)])
  }

  /** A plain scalar: least byte first. */
  putScalar(value: bigint): number {
    return this.put(writeScalar(value).reverse())
  }

  readScalar(at: number): bigint {
    return BigInt(`0x${Buffer.from(this.read(at, 32).reverse()).toString('hex')}`)
  }

  /** Everything given out is free again. */
  clear(): void {
    this.#next = this.#start
  }
}

/** 0, 1, q − 1, and numbers around the borders of limbs and words; all below q. */
export const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, q - 1n, q - 2n, q >> 1n, (q >> 1n) + 1n, (1n << 256n) - q, (1n << 256n) - q - 1n],
  ...[26, 29, 32, 58, 64, 128, 129, 130, 232, 234, 255].flatMap((bits) => {
    const power = 1n << BigInt(bits)
    return [power - 1n, power, q - power]
  }),
]

/** A scalar that is an edge one time in four. */
export function anyScalar(random: Random): bigint {
  const [kind = 0, index = 0, ...rest] = random(66)
  if (kind < 64) return EDGES[index % EDGES.length] as bigint
  return BigInt(`0x${Buffer.from(rest).toString('hex')}`) % q
}
