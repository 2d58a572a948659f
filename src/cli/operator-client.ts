import { connect, type Socket } from 'node:net'
import { Lines } from '../node/operator/lines.ts'
import {
  MAX_LINE_BYTES,
  METHODS,
  type Method,
  type OperatorErrorCode,
  type ParamsOf,
  REPLY,
  type ResultOf,
} from '../node/operator/messages.ts'
import { socketPath } from '../node/operator/socket-path.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

/** The own node, as an operator's tool speaks with it. */
export interface OperatorNode {
  /** @throws CommandError with the exit code that fits what the node said. */
  ask<M extends Method>(method: M, params: ParamsOf<M>, signal: AbortSignal): Promise<ResultOf<M>>
  close(): void
}

const ANSWER_MS = 35_000 // above the node's own limit for one action

const EXITS: Readonly<Record<OperatorErrorCode, number>> = {
  refused: EXIT.refused,
  waiting: EXIT.waiting,
  operators: EXIT.needsOperators,
  failed: EXIT.failed,
}

/** Connects to the node whose socket this is. @throws CommandError when none runs there. */
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

const notRunning = (file: string, cause: unknown): CommandError => {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'EACCES')
    return new CommandError(EXIT.refused, `${file} belongs to another user`, {
      hint: 'run this as the user that runs the node',
      cause,
    })
  return new CommandError(EXIT.unreachable, `no node answers at ${file}`, {
    hint: 'start it with "holdfast start", or name its directory with --dir',
    cause,
  })
}

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
      throw new CommandError(EXITS[code], message, hint === undefined ? {} : { hint })
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
    const give = (): void => reject(new CommandError(EXIT.unreachable, 'the node did not answer'))
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

const lost = (): CommandError =>
  new CommandError(EXIT.unreachable, 'the node ended, or is of another version than this tool', {
    hint: 'look at its log, and use the holdfast that runs it',
  })

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
