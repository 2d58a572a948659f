import {
  type AnyHandle,
  CHOICE_SLOTS,
  type Handle,
  type HandleKind,
  KernelFull,
  KernelMisuse,
} from '../kernel.ts'
import type { Secrets } from './secrets.ts'

const GENERATION_BITS = 12 // the low bits of a handle
const GENERATIONS = 2 ** GENERATION_BITS // generation 0 is never given out, so no handle is 0
const SLOTS = 2 ** 20 // the high bits of a handle

interface Slot {
  generation: number
  held: { kind: HandleKind; secret: object } | undefined
}

/**
 * Typed slots that hold every secret of the kernel (02 §14). A handle is 20-bit slot ‖ 12-bit generation;
 * wiping zeroes what can be zeroed and moves the slot to its next generation, so that no stale handle
 * ever names a later secret. A slot whose generations are used up is never used again.
 */
export class Slots {
  readonly #slots: Slot[] = []
  readonly #free: number[] = []
  readonly #capacity: number
  #held = 0
  #choices = 0

  /** Fewer slots than a handle can name: in tests. */
  constructor(capacity: number = SLOTS) {
    this.#capacity = capacity
  }

  get held(): number {
    return this.#held
  }

  put<Kind extends HandleKind>(kind: Kind, secret: Secrets[Kind]): Handle<Kind> {
    if (kind === 'choice' && this.#choices === CHOICE_SLOTS) {
      zero(secret)
      throw new KernelFull('no slot left for a choice')
    }
    const index = this.#free.pop() ?? this.#grow()
    const slot = this.#slots[index] as Slot
    slot.held = { kind, secret }
    this.#held++
    if (kind === 'choice') this.#choices++
    return (index * GENERATIONS + slot.generation) as Handle<Kind>
  }

  /** The secret behind a handle; throws `KernelMisuse` for another kind, a wiped or an invented handle. */
  get<Kind extends HandleKind>(handle: Handle<Kind>, kind: Kind): Secrets[Kind] {
    const held = this.#find(handle)?.held
    if (held === undefined) throw new KernelMisuse('bug: stale handle')
    if (held.kind !== kind) throw new KernelMisuse(`bug: ${kind} expected, got ${held.kind}`)
    return held.secret as Secrets[Kind]
  }

  /** Uses a secret for the last time: it is wiped whatever `use` does. */
  consume<Kind extends HandleKind, Result>(
    handle: Handle<Kind>,
    kind: Kind,
    use: (secret: Secrets[Kind]) => Result,
  ): Result {
    const secret = this.get(handle, kind)
    try {
      return use(secret)
    } finally {
      this.wipe(handle)
    }
  }

  wipe(handle: AnyHandle): void {
    const slot = this.#find(handle)
    if (slot?.held === undefined) throw new KernelMisuse('bug: stale handle')
    this.#empty(slot, Math.floor(handle / GENERATIONS))
  }

  wipeAll(): void {
    for (const [index, slot] of this.#slots.entries()) {
      if (slot.held !== undefined) this.#empty(slot, index)
    }
  }

  #find(handle: number): Slot | undefined {
    if (!Number.isInteger(handle) || handle < 0) return undefined
    const slot = this.#slots[Math.floor(handle / GENERATIONS)]
    return slot?.generation === handle % GENERATIONS ? slot : undefined
  }

  #empty(slot: Slot, index: number): void {
    if (slot.held !== undefined) zero(slot.held.secret)
    if (slot.held?.kind === 'choice') this.#choices--
    slot.held = undefined
    slot.generation++
    this.#held--
    if (slot.generation < GENERATIONS) this.#free.push(index)
  }

  #grow(): number {
    if (this.#slots.length === this.#capacity) throw new KernelFull('no slot left')
    return this.#slots.push({ generation: 1, held: undefined }) - 1
  }
}

/** Zeroes byte and word arrays in place and drops numbers; JavaScript may have copied a bigint. */
function zero(secret: object): void {
  if (secret instanceof Uint8Array || secret instanceof Uint32Array) {
    secret.fill(0)
    return
  }
  const fields = secret as Record<string, unknown>
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'bigint') fields[name] = 0n
    else if (typeof value === 'object' && value !== null) zero(value)
  }
}
