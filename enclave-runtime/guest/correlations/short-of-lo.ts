import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Clock } from '../sessions/clock.ts'

/** lo has heard that something is missing, or makes it: both take no longer. */
const FIRST_MS = 5_000
const LONGEST_MS = 60_000

export interface ShortOfLoInit {
  readonly clock: Pick<Clock, 'after'>
  /** Less than `low` is held with this peer, and no batch runs. */
  readonly isShort: (peer: PartyIndex) => boolean
  /** Tells lo what is held. */
  readonly tell: (peer: PartyIndex) => void
}

/**
 * hi's part in keeping a pair filled (02 §4.4). Only lo begins batches, and lo counts what it holds itself: one
 * whose C5 was lost is ready there and wiped here, and a pool that lo takes for full would never serve. So hi,
 * short for a while with nothing under way, says what it holds, ever more seldom as long as that changes nothing.
 */
export class ShortOfLo {
  readonly #init: ShortOfLoInit
  readonly #waits = new Map<PartyIndex, { ms: number; disarm: (() => void) | undefined }>()
  #closed = false

  constructor(init: ShortOfLoInit) {
    this.#init = init
  }

  /** Something was taken, or a batch is over, or the setup is new. */
  look(peer: PartyIndex): void {
    if (this.#closed) return
    const wait = this.#waits.get(peer) ?? { ms: FIRST_MS, disarm: undefined }
    this.#waits.set(peer, wait)
    if (!this.#init.isShort(peer)) {
      wait.ms = FIRST_MS
      return
    }
    wait.disarm ??= this.#init.clock.after(wait.ms, () => {
      wait.disarm = undefined
      if (this.#init.isShort(peer)) {
        wait.ms = Math.min(2 * wait.ms, LONGEST_MS)
        this.#init.tell(peer)
      }
      this.look(peer)
    })
  }

  close(): void {
    this.#closed = true
    for (const { disarm } of this.#waits.values()) disarm?.()
    this.#waits.clear()
  }
}
