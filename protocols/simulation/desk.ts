import { equalBytes } from '@noble/curves/utils.js'
import { type Fault, type PartyIndex, ProtocolError } from '../session/faults.ts'

interface Wait {
  readonly round: string
  readonly from: readonly PartyIndex[]
  /** Called in the same turn in which the wait is over. */
  readonly wake: () => void
}

/**
 * What one party has received. Per round and sender the first copy counts; an identical one is dropped;
 * a different one ends the party's run and names the sender (02 §11).
 */
export class Desk {
  readonly #letters = new Map<string, Uint8Array>()
  #wait: Wait | undefined
  #fault: Fault | 'cancelled' | undefined
  #closed = false

  put(round: string, from: PartyIndex, bytes: Uint8Array): void {
    if (this.#closed) return
    const first = this.#letters.get(`${round}/${from}`)
    if (first === undefined) this.#letters.set(`${round}/${from}`, bytes)
    else if (!equalBytes(first, bytes)) this.end({ kind: 'equivocation', round, from })
    if (this.#wait !== undefined && this.#isComplete(this.#wait)) this.#wake()
  }

  /** Whether everything is here already, or the run has ended. */
  has(round: string, from: readonly PartyIndex[]): boolean {
    return this.#fault !== undefined || this.#isComplete({ round, from })
  }

  /** Waits until `has` is true; `wake` is called in the turn in which it becomes so. */
  async until(round: string, from: readonly PartyIndex[], wake: () => void): Promise<void> {
    if (this.#wait !== undefined) throw new Error('bug: a party waits in one place at a time')
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wait = {
      round,
      from,
      wake: () => {
        wake()
        resolve()
      },
    }
    await promise
  }

  /** The letters of a round, or what ended the run in their place. */
  take(round: string, from: readonly PartyIndex[]): ReadonlyMap<PartyIndex, Uint8Array> {
    const fault = this.#fault
    if (fault === 'cancelled') throw new ProtocolError({ kind: 'cancelled', round })
    if (fault !== undefined) throw new ProtocolError(fault)
    return new Map(
      from.map((party) => [party, this.#letters.get(`${round}/${party}`) ?? new Uint8Array()]),
    )
  }

  /** The letters of a round that are here, whatever ended the run. */
  arrived(round: string, from: readonly PartyIndex[]): ReadonlyMap<PartyIndex, Uint8Array> {
    return new Map(
      from.flatMap((party) => {
        const bytes = this.#letters.get(`${round}/${party}`)
        return bytes === undefined ? [] : [[party, bytes] as const]
      }),
    )
  }

  /** The deadline of the present wait passes. */
  expire(): void {
    if (this.#wait === undefined) return
    const { round, from } = this.#wait
    const missing = from.filter((party) => !this.#letters.has(`${round}/${party}`))
    this.end({ kind: 'timeout', round, missing })
  }

  /** Ends the party's run at its present or next wait; the first reason stays. */
  end(fault: Fault | 'cancelled'): void {
    this.#fault ??= fault
    this.#wake()
  }

  /** The party has returned: nothing reaches it any more. */
  close(): void {
    this.#closed = true
  }

  #wake(): void {
    const wait = this.#wait
    this.#wait = undefined
    wait?.wake()
  }

  #isComplete({ round, from }: Pick<Wait, 'round' | 'from'>): boolean {
    return from.every((party) => this.#letters.has(`${round}/${party}`))
  }
}
