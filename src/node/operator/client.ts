import { connect, type Socket } from 'node:net'
import { Lines } from './lines.ts'
import {
  MAX_LINE_BYTES,
  METHODS,
  type Method,
  OperatorError,
  type ParamsOf,
  REPLY,
  type ResultOf,
} from './messages.ts'
import { socketPath } from './socket-path.ts'

/** The own node, as an operator's tool speaks with it. */
export interface OperatorNode {
  /** @throws OperatorError as the node says it, or OperatorGone. */
  ask<M extends Method>(method: M, params: ParamsOf<M>, signal: AbortSignal): Promise<ResultOf<M>>
  close(): void
}

const ANSWER_MS = 35_000 // above the node's own limit for one action

/** `ABSENT`: no node runs there. `DENIED`: the socket is another user's. `LOST`: the node ended, or speaks otherwise. `SILENT`: no answer in time. */
export class OperatorGone extends Error {
  override readonly name = 'OperatorGone'
  readonly code: 'ABSENT' | 'DENIED' | 'LOST' | 'SILENT'

  constructor(code: OperatorGone['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Connects to the node whose socket this is. @throws OperatorGone when none runs there. */
export async function connectOperator(file: string, signal: AbortSignal): Promise<OperatorNode> {
  signal.throwIfAborted()
  const at = await socketPath(file).catch((cause: unknown) => {
    throw notRunning(file, cause)
  })
  try {
    const socket = connect(at.path)
    await opened(socket, signal).catch((cause: unknown) => {
      socket.destroy()
      signal.throwIfAborted()
      throw notRunning(file, cause)
    })
    return new SocketNode(socket)
  } finally {
    await at.close()
  }
}

const notRunning = (file: string, cause: unknown): OperatorGone =>
  (cause as NodeJS.ErrnoException).code === 'EACCES'
    ? new OperatorGone('DENIED', `${file} belongs to another user`, { cause })
    : new OperatorGone('ABSENT', `no node answers at ${file}`, { cause })

class SocketNode implements OperatorNode {
  readonly #socket: Socket
  readonly #lines = new Lines(MAX_LINE_BYTES)
  readonly #waiting = new Map<
    number,
    { resolve: (reply: ReturnType<typeof REPLY.parse>) => void; reject: (error: Error) => void }
  >()
  #next = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#end())
  }

  async ask<M extends Method>(
    method: M,
    params: ParamsOf<M>,
    signal: AbortSignal,
  ): Promise<ResultOf<M>> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
    const reply = await this.#exchange(method, params, within)
    if ('error' in reply) {
      const { code, message, hint } = reply.error
      throw new OperatorError(code, message, hint)
    }
    return METHODS[method].result.parse(reply.result) as ResultOf<M>
  }

  close(): void {
    this.#socket.destroy()
  }

  async #exchange(method: Method, params: unknown, signal: AbortSignal) {
    signal.throwIfAborted()
    if (this.#socket.destroyed) throw lost()
    const id = this.#next++
    const { promise, resolve, reject } = Promise.withResolvers<ReturnType<typeof REPLY.parse>>()
    const give = (): void => reject(new OperatorGone('SILENT', 'the node did not answer'))
    signal.addEventListener('abort', give, { once: true })
    this.#waiting.set(id, { resolve, reject })
    try {
      this.#socket.write(`${JSON.stringify({ id, method, params })}\n`)
      return await promise
    } finally {
      signal.removeEventListener('abort', give)
      this.#waiting.delete(id)
    }
  }

  #take(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) {
        const reply = REPLY.parse(JSON.parse(line))
        this.#waiting.get(reply.id)?.resolve(reply)
      }
    } catch {
      this.#socket.destroy() // not a node of ours
    }
  }

  #end(): void {
    for (const { reject } of this.#waiting.values()) reject(lost())
  }
}

const lost = (): OperatorGone =>
  new OperatorGone('LOST', 'the node ended, or is of another version than this tool')

const opened = (socket: Socket, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      socket.off('error', reject)
      resolve()
    })
  })
