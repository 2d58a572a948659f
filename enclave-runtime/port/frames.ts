/** The frame of the one door between host and guest (04 §2): `u32be length | u8 type | u32be id | payload`. */
export interface Frame {
  readonly type: number
  /** 0 for a one-way message; a reply carries the id of its question. */
  readonly id: number
  readonly payload: Uint8Array
}

const LENGTH_BYTES = 4
const HEAD_BYTES = 5 // type and id: what `length` counts besides the payload
export const MIN_FRAME_LENGTH: number = HEAD_BYTES
export const MAX_FRAME_LENGTH = 2_097_152 // 04 §2: above the largest payload of any type, small enough to buffer whole
export const REPLY_FLAG = 0x80 // a reply has the type of its question with the top bit set

/** The other side broke the rules of the port: the guest wipes and exits 70, the host kills the guest. */
export class PortViolation extends Error {
  override readonly name = 'PortViolation'
  readonly code = 'PORT_VIOLATION'
}

/** Bytes on the wire. Throws a plain `bug:` error for a frame of ours that the other side would refuse. */
export function frameSize({ payload }: Frame): number {
  const length = HEAD_BYTES + payload.length
  if (length > MAX_FRAME_LENGTH) throw new Error(`bug: a frame of ${length} bytes`)
  return LENGTH_BYTES + length
}

/** One of them, as `encodeFrames`. */
export const encodeFrame = (frame: Frame): Uint8Array => encodeFrames([frame])

/** One after the other. Throws as `frameSize`. */
export function encodeFrames(frames: readonly Frame[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frameSize(frame), 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const { type, id, payload } of frames) {
    const length = HEAD_BYTES + payload.length
    view.setUint32(at, length)
    view.setUint8(at + LENGTH_BYTES, type)
    view.setUint32(at + LENGTH_BYTES + 1, id)
    bytes.set(payload, at + LENGTH_BYTES + HEAD_BYTES)
    at += LENGTH_BYTES + length
  }
  return bytes
}

/** Turns bytes in pieces of any size into frames. It holds at most one unfinished frame. */
export class FrameReader {
  readonly #head = new Uint8Array(LENGTH_BYTES)
  #headFilled = 0
  #body: Uint8Array | undefined
  #bodyFilled = 0

  /** Whether bytes of an unfinished frame are held: a source that ends now was cut. */
  get unfinished(): boolean {
    return this.#headFilled > 0
  }

  /** The frames that `chunk` completes, each with bytes of its own. Throws `PortViolation`; unusable afterwards. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#body === undefined) {
        at += this.#fillHead(chunk, at)
        continue
      }
      const part = chunk.subarray(at, at + this.#body.length - this.#bodyFilled)
      this.#body.set(part, this.#bodyFilled)
      this.#bodyFilled += part.length
      at += part.length
      if (this.#bodyFilled === this.#body.length) frames.push(this.#finish(this.#body))
    }
    return frames
  }

  #fillHead(chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + LENGTH_BYTES - this.#headFilled)
    this.#head.set(part, this.#headFilled)
    this.#headFilled += part.length
    if (this.#headFilled === LENGTH_BYTES) {
      const length = new DataView(this.#head.buffer).getUint32(0)
      if (length < MIN_FRAME_LENGTH || length > MAX_FRAME_LENGTH)
        throw new PortViolation(`frame length ${length}`)
      this.#body = new Uint8Array(length)
      this.#bodyFilled = 0
    }
    return part.length
  }

  #finish(body: Uint8Array): Frame {
    this.#body = undefined
    this.#headFilled = 0
    const view = new DataView(body.buffer)
    return { type: view.getUint8(0), id: view.getUint32(1), payload: body.subarray(HEAD_BYTES) }
  }
}
