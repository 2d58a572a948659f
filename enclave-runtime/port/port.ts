import { DecodeError } from '../../protocols/session/codec.ts'
import {
  encodeFrames,
  type Frame,
  FrameReader,
  frameSize,
  PortViolation,
  REPLY_FLAG,
} from './frames.ts'
import { errorReply, PAYLOAD_LIMITS } from './messages.ts'

export const MAX_QUEUE_BYTES: number = 16 * 1024 * 1024 // per direction (04 §2), then the source is not read
export const MAX_OPEN_REQUESTS = 1024 // of one side; far above what sessions, store and requests need at once
const WRITE_BYTES: number = 64 * 1024 // what a stream takes before it says that it is full
const WRITE_AFTER_MS = 1 // frames of a long turn do not wait for its end

/** The bytes under the port. `write` may return false: nothing more until `Port.drained()`. */
export interface PortWire {
  write(bytes: Uint8Array): boolean
  /** Stop and go on reading the other side. */
  pause(): void
  resume(): void
}

export interface PortOptions {
  /** Calls back when this turn of the loop is over. */
  readonly soon?: (run: () => void) => void
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

/** The question failed: a code of the other side, or one of ours (`PORT_CLOSED`, `CANCELLED`). */
export class PortError extends Error {
  override readonly name = 'PortError'
  readonly code: string

  constructor(code: string, options?: ErrorOptions) {
    super(`the port answered ${code}`, options)
    this.code = code
  }
}

/** Takes one payload and gives the payload of the reply; for a one-way message what it gives is not sent. */
export type PortHandler = (payload: Uint8Array) => Promise<Uint8Array>

interface Question {
  readonly type: number
  settle(reply: Uint8Array | PortError): void
}

/**
 * One end of the port: both sides ask, answer and tell in the same way. A rule broken by the other side
 * ends the port and is told to `onViolation` once; everything open fails.
 */
export class Port {
  readonly #wire: PortWire
  readonly #onViolation: (violation: PortViolation) => void
  readonly #reader = new FrameReader()
  readonly #handlers = new Map<number, PortHandler>()
  readonly #questions = new Map<number, Question>()
  readonly #given = new Set<number>() // ids that we gave up on: their late reply is dropped
  readonly #answering = new Set<number>() // ids of the other side that await our reply
  readonly #soon: (run: () => void) => void
  readonly #now: () => number
  #out: Frame[] = []
  #outBytes = 0
  #flushing = false
  #firstAt = 0 // when the first frame of this turn was queued
  #writable = true
  #paused = false
  #backlog = 0 // bytes of frames whose handlers have not finished
  #nextId = 1
  #closed: PortError | undefined
  #room: (() => void)[] = []

  constructor(
    wire: PortWire,
    onViolation: (violation: PortViolation) => void,
    { soon = setImmediate, now = () => performance.now() }: PortOptions = {},
  ) {
    this.#wire = wire
    this.#onViolation = onViolation
    this.#soon = soon
    this.#now = now
  }

  /** Bytes that wait to be written, and bytes taken in that are still being worked on. */
  get load(): { readonly out: number; readonly in: number } {
    return { out: this.#outBytes, in: this.#backlog }
  }

  /** Who answers frames of `type`. Without one, such a frame is a violation. */
  serve(type: number, handler: PortHandler): void {
    this.#handlers.set(type, handler)
  }

  /** Asks and waits for the payload of the reply. Throws `PortError`. */
  async request(type: number, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if (this.#mustWait(payload, MAX_QUEUE_BYTES, signal))
      await this.#roomToSend(payload, signal, MAX_QUEUE_BYTES)
    // What we gave up on is still open over there, so it counts: the other side never sees too many.
    if (this.#questions.size + this.#given.size >= MAX_OPEN_REQUESTS)
      throw new PortError('OVERLOADED')
    const id = this.#newId()
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#given.add(id)
        settle(new PortError('CANCELLED', { cause: signal.reason }))
      }
      const settle = (reply: Uint8Array | PortError) => {
        signal.removeEventListener('abort', onAbort)
        this.#questions.delete(id)
        if (reply instanceof PortError) reject(reply)
        else resolve(reply)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#questions.set(id, { type, settle })
      this.#send({ type, id, payload })
    })
  }

  /**
   * Says something that has no reply; resolves once it is queued, which waits while that would be more than `room`
   * bytes. The payload is the port's from then on.
   */
  async tell(
    type: number,
    payload: Uint8Array,
    signal: AbortSignal,
    room: number = MAX_QUEUE_BYTES,
  ): Promise<void> {
    if (this.#mustWait(payload, room, signal)) await this.#roomToSend(payload, signal, room)
    this.#send({ type, id: 0, payload })
  }

  /** As `tell` where nothing has to be waited for; false, and nothing said, where it has. Throws `PortError`. */
  offer(type: number, payload: Uint8Array, room: number = MAX_QUEUE_BYTES): boolean {
    if (this.#closed !== undefined) throw this.#closed
    if (!this.#hasRoom(payload, room)) return false
    this.#send({ type, id: 0, payload })
    return true
  }

  /** Bytes from the other side. Never throws: a violation closes the port. */
  receive(chunk: Uint8Array): void {
    if (this.#closed !== undefined) return
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame)
    } catch (error) {
      this.#violate(error)
    }
    this.#throttle()
  }

  /** The wire takes bytes again. */
  drained(): void {
    this.#writable = true
    this.flush()
  }

  /** Everything open fails with `code`; nothing is sent or taken any more. */
  close(code = 'PORT_CLOSED'): void {
    if (this.#closed !== undefined) return
    this.#closed = new PortError(code)
    this.#out = []
    this.#outBytes = 0
    for (const question of [...this.#questions.values()]) question.settle(this.#closed)
    this.#wakeSenders()
  }

  #take({ type, id, payload }: Frame): void {
    if (this.#closed !== undefined) return
    const question = type & ~REPLY_FLAG
    const limit = PAYLOAD_LIMITS[question]
    if (limit === undefined) throw new PortViolation(`frame type ${type}`)
    if (payload.length > limit) throw new PortViolation(`${payload.length} bytes of type ${type}`)
    if (type & REPLY_FLAG) this.#takeReply(question, id, payload)
    else this.#answer(type, id, payload)
  }

  #takeReply(type: number, id: number, payload: Uint8Array): void {
    if (this.#given.delete(id)) return
    const question = this.#questions.get(id)
    if (question === undefined || question.type !== type)
      throw new PortViolation('a reply without a question')
    question.settle(errorIn(payload) ?? payload)
  }

  #answer(type: number, id: number, payload: Uint8Array): void {
    const handler = this.#handlers.get(type)
    if (handler === undefined) throw new PortViolation(`nobody takes type ${type}`)
    if (id !== 0) {
      if (this.#answering.has(id)) throw new PortViolation('an id used twice')
      if (this.#answering.size >= MAX_OPEN_REQUESTS) throw new PortViolation('too many questions')
      this.#answering.add(id)
    }
    this.#backlog += payload.length
    const finish = (reply: Uint8Array) => {
      this.#backlog -= payload.length
      if (id !== 0) {
        this.#answering.delete(id)
        this.#send({ type: type | REPLY_FLAG, id, payload: reply })
      }
      this.#throttle()
    }
    handler(payload).then(finish, (error: unknown) => {
      if (error instanceof DecodeError || error instanceof PortViolation) this.#violate(error)
      else if (id !== 0) finish(errorReply.encode({ error: codeOf(error) }))
      else throw error // nobody waits for it, so it is a defect that must not pass unseen
    })
  }

  /** Whatever breaks while bytes of the other side are read ends the port. */
  #violate(error: unknown): void {
    if (this.#closed !== undefined) return
    this.close('PORT_VIOLATION')
    this.#onViolation(
      error instanceof PortViolation
        ? error
        : new PortViolation('a payload that does not decode', { cause: error }),
    )
  }

  #newId(): number {
    do {
      this.#nextId = this.#nextId === 0xffff_ffff ? 1 : this.#nextId + 1
    } while (this.#questions.has(this.#nextId) || this.#given.has(this.#nextId))
    return this.#nextId
  }

  #hasRoom({ length }: Uint8Array, room: number): boolean {
    return this.#outBytes === 0 || this.#outBytes + length <= room
  }

  #mustWait(payload: Uint8Array, room: number, { aborted }: AbortSignal): boolean {
    return aborted || this.#closed !== undefined || !this.#hasRoom(payload, room)
  }

  async #roomToSend(payload: Uint8Array, signal: AbortSignal, room: number): Promise<void> {
    while (this.#closed === undefined && !this.#hasRoom(payload, room)) {
      if (signal.aborted) throw new PortError('CANCELLED', { cause: signal.reason })
      const room = Promise.withResolvers<void>()
      const wake = () => room.resolve()
      this.#room.push(wake)
      signal.addEventListener('abort', wake, { once: true })
      await room.promise
      signal.removeEventListener('abort', wake)
    }
    if (this.#closed !== undefined) throw this.#closed
    if (signal.aborted) throw new PortError('CANCELLED', { cause: signal.reason })
  }

  /** Frames of one turn of the loop leave in one write: a system call and a wake-up of the other side cost more. */
  #send(frame: Frame): void {
    if (this.#closed !== undefined) return
    const size = frameSize(frame)
    if (this.#out.length === 0) this.#firstAt = this.#now()
    this.#out.push(frame)
    this.#outBytes += size
    if (!this.#writable) return
    if (this.#outBytes >= WRITE_BYTES || this.#now() - this.#firstAt >= WRITE_AFTER_MS) {
      this.flush()
      return
    }
    if (this.#flushing) return
    this.#flushing = true
    this.#soon(() => {
      this.#flushing = false
      this.flush()
    })
  }

  /** Writes what this turn of the loop has queued so far, as far as the wire takes it. */
  flush(): void {
    while (this.#writable && this.#out.length > 0) {
      const bytes = encodeFrames(this.#out.splice(0, this.#endOfWrite())) // gone before anyone is called
      this.#outBytes -= bytes.length
      this.#writable = this.#wire.write(bytes)
    }
    if (this.#outBytes < MAX_QUEUE_BYTES) this.#wakeSenders()
    this.#throttle()
  }

  /** Frames for one write: until it is large enough. */
  #endOfWrite(): number {
    let bytes = 0
    for (let to = 0; ; to++) {
      const frame = this.#out[to]
      if (frame === undefined || bytes >= WRITE_BYTES) return to
      bytes += frameSize(frame)
    }
  }

  #wakeSenders(): void {
    const waiting = this.#room
    this.#room = []
    for (const wake of waiting) wake()
  }

  /** Reads on only while what was read is worked off and its replies leave. */
  #throttle(): void {
    const full = this.#backlog > MAX_QUEUE_BYTES || this.#outBytes > MAX_QUEUE_BYTES
    if (full === this.#paused || this.#closed !== undefined) return
    this.#paused = full
    if (full) this.#wire.pause()
    else this.#wire.resume()
  }
}

/** How `{"error": …}` begins in canonical CBOR; nearly every reply is something else, and throwing is dear. */
const ERROR_HEAD = Uint8Array.of(0xa1, 0x65, 0x65, 0x72, 0x72, 0x6f, 0x72)

function errorIn(payload: Uint8Array): PortError | undefined {
  if (payload.length > 64) return undefined // {"error": code of at most 48 characters}
  if (ERROR_HEAD.some((byte, at) => payload[at] !== byte)) return undefined
  try {
    return new PortError(errorReply.decode(payload).error)
  } catch (error) {
    if (error instanceof DecodeError) return undefined // then it is a reply of its own type
    throw error
  }
}

/** Only a code crosses: anything that is not one of our coded errors is INTERNAL_ERROR. */
const codeOf = (error: unknown): string =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  /^[A-Z_]{1,48}$/.test(error.code)
    ? error.code
    : 'INTERNAL_ERROR'
