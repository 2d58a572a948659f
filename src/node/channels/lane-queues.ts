import { BULK_BYTES, encodeLinkFrame, PART_BYTES, URGENT_BYTES } from './link-frames.ts'
import { type Lane, LinkError } from './links.ts'

/** What one peer may hold back before senders are told: about four large envelopes each (07 §6.3). */
const LANE_BYTES: Readonly<Record<Lane, number>> = { urgent: 1 << 20, bulk: 2 << 20 }
const LARGEST: Readonly<Record<Lane, number>> = { urgent: URGENT_BYTES, bulk: BULK_BYTES }

interface Waiting {
  readonly envelope: Uint8Array
  readonly resolve: () => void
  readonly reject: (error: LinkError) => void
  parts: number // sent so far
}

/** The next frame to write, and what to call when it was. */
export interface NextFrame {
  readonly frame: Uint8Array
  sent(): void
}

/** Two bounded queues, urgent first; a bulk envelope leaves in parts between which urgent ones pass. */
export class LaneQueues {
  readonly #lanes: Readonly<Record<Lane, Waiting[]>> = { urgent: [], bulk: [] }
  readonly #bytes: Record<Lane, number> = { urgent: 0, bulk: 0 }
  #writing: Waiting | undefined
  #isOver = false

  bytes(lane: Lane): number {
    return this.#bytes[lane]
  }

  /** Resolves when the last frame was written. A signal takes it back only before its first frame. */
  async add(envelope: Uint8Array, lane: Lane, signal: AbortSignal): Promise<void> {
    if (this.#isOver) throw new LinkError('UNREACHABLE')
    if (signal.aborted) throw new LinkError('CANCELLED', { cause: signal.reason })
    if (envelope.length === 0 || envelope.length > LARGEST[lane]) throw new LinkError('TOO_LARGE')
    if (this.#bytes[lane] + envelope.length > LANE_BYTES[lane]) throw new LinkError('OVERLOADED')
    this.#bytes[lane] += envelope.length
    const queue = this.#lanes[lane]
    let onAbort = (): void => {}
    try {
      await new Promise<void>((resolve, reject) => {
        const waiting: Waiting = { envelope, resolve, reject, parts: 0 }
        queue.push(waiting)
        onAbort = () => {
          const at = queue.indexOf(waiting)
          if (at < 0 || waiting.parts > 0) return // half of a bulk envelope would break the next one
          queue.splice(at, 1)
          reject(new LinkError('CANCELLED', { cause: signal.reason }))
        }
        signal.addEventListener('abort', onAbort, { once: true })
      })
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#bytes[lane] -= envelope.length
    }
  }

  /** Takes the next frame out; the caller writes it before it asks again. */
  next(): NextFrame | undefined {
    const urgent = this.#lanes.urgent.shift()
    if (urgent !== undefined)
      return this.#last(urgent, encodeLinkFrame({ kind: 'urgent', envelope: urgent.envelope }))
    const bulk = this.#lanes.bulk[0]
    if (bulk === undefined) return undefined
    const from = bulk.parts * PART_BYTES
    const isLast = from + PART_BYTES >= bulk.envelope.length
    const frame = encodeLinkFrame({
      kind: isLast ? 'last-part' : 'part',
      number: bulk.parts++,
      bytes: bulk.envelope.subarray(from, from + PART_BYTES),
    })
    if (!isLast) return { frame, sent: () => {} }
    this.#lanes.bulk.shift()
    return this.#last(bulk, frame)
  }

  /** The link is over: nobody knows what arrived, so everyone who still waits is told. */
  fail(): void {
    this.#isOver = true
    this.#writing?.reject(new LinkError('UNREACHABLE'))
    for (const queue of Object.values(this.#lanes))
      for (const waiting of queue.splice(0)) waiting.reject(new LinkError('UNREACHABLE'))
  }

  #last(waiting: Waiting, frame: Uint8Array): NextFrame {
    this.#writing = waiting
    const sent = (): void => {
      this.#writing = undefined
      waiting.resolve()
    }
    return { frame, sent }
  }
}
