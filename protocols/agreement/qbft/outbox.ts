import type { QbftEffect, QbftTimer } from './interface.ts'

/** The effects of one event, in the order in which they must happen: first the write, then what follows from it. */
export class Outbox {
  #mustWrite = false
  #sends: QbftEffect[] = []
  #others: QbftEffect[] = []

  /** A message that may go out only once the changed record is durable. */
  sendDurably(to: 'all' | number, bytes: Uint8Array): void {
    this.#mustWrite = true
    this.send(to, bytes)
  }

  /** A message that the stored record already knows. */
  send(to: 'all' | number, bytes: Uint8Array): void {
    this.#sends.push({ type: 'send', to, bytes })
  }

  /** A change that must be stored though nothing is sent. */
  write(): void {
    this.#mustWrite = true
  }

  timer(timer: QbftTimer, afterMs: number): void {
    this.tell({ type: 'timer', timer, afterMs })
  }

  tell(effect: QbftEffect): void {
    this.#others.push(effect)
  }

  /** Empties the box. `record` is read only if it must be written. */
  take(record: () => Uint8Array): QbftEffect[] {
    const writes: QbftEffect[] = this.#mustWrite ? [{ type: 'write', record: record() }] : []
    const effects = [...writes, ...this.#sends, ...this.#others]
    this.#mustWrite = false
    this.#sends = []
    this.#others = []
    return effects
  }
}
