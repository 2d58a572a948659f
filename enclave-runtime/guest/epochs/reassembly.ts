import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { type LetterBody, MAX_PARTS, PART_BYTES, type Part } from './letter-body.ts'

/** Wholes of one sender that are not complete yet; an older one goes for a newer one. */
const MAX_OPEN = 4
/** Bytes of all senders that wait for the rest (03 §4.5). */
const MAX_BYTES: number = 8 * 1024 * 1024
/** For the rest to come: what was lost is sent again within seconds. */
const PATIENCE_MS = 60_000

interface Open {
  readonly count: number
  readonly parts: Map<number, Uint8Array>
  readonly until: number
  bytes: number
}

/** What one letter or several carry, as they go out. */
export function* bodiesOf(whole: Uint8Array): Generator<LetterBody> {
  if (whole.length <= PART_BYTES) {
    yield { type: 'whole', bytes: whole }
    return
  }
  const count = Math.ceil(whole.length / PART_BYTES)
  if (count > MAX_PARTS) throw new Error(`bug: a letter of ${whole.length} bytes`)
  const id = blake3(whole)
  for (let number = 0; number < count; number++)
    yield {
      type: 'part',
      id,
      number,
      count,
      bytes: whole.slice(number * PART_BYTES, (number + 1) * PART_BYTES),
    }
}

/** Puts the parts of wholes together, within bounds for each sender and in all (03 §4.5). */
export class Reassembly {
  readonly #bySender = new Map<string, Map<string, Open>>()
  #bytes = 0

  /** Bytes that wait. */
  get size(): number {
    return this.#bytes
  }

  /** The whole that this part completes; undefined while some are missing, or where there is no room. */
  add(from: string, part: Part, now: number): Uint8Array | undefined {
    this.#forgetOld(now)
    const open = this.#bySender.get(from) ?? new Map<string, Open>()
    this.#bySender.set(from, open)
    const id = bytesToHex(part.id)
    const known = open.get(id)
    if (known === undefined) this.#makeRoom(from, open)
    const one = known ?? { count: part.count, parts: new Map(), until: now + PATIENCE_MS, bytes: 0 }
    if (one.count !== part.count || one.parts.has(part.number)) return undefined
    if (this.#bytes + part.bytes.length > MAX_BYTES) return undefined
    open.set(id, one)
    one.parts.set(part.number, part.bytes)
    one.bytes += part.bytes.length
    this.#bytes += part.bytes.length
    if (one.parts.size < one.count) return undefined
    this.#forget(from, id)
    const parts = Array.from({ length: one.count }, (_, i) => one.parts.get(i) ?? new Uint8Array())
    const whole = concatBytes(...parts)
    return bytesToHex(blake3(whole)) === id ? whole : undefined
  }

  #makeRoom(from: string, open: ReadonlyMap<string, Open>): void {
    const [oldest] = open.keys()
    if (open.size >= MAX_OPEN && oldest !== undefined) this.#forget(from, oldest)
  }

  #forgetOld(now: number): void {
    for (const [from, open] of this.#bySender)
      for (const [id, { until }] of open) if (until <= now) this.#forget(from, id)
  }

  #forget(from: string, id: string): void {
    const open = this.#bySender.get(from)
    const one = open?.get(id)
    if (open === undefined || one === undefined) return
    this.#bytes -= one.bytes
    open.delete(id)
    if (open.size === 0) this.#bySender.delete(from)
  }
}
