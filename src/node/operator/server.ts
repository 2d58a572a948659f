import { chmod, mkdir, rm, stat } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Log } from '../log.ts'
import type { BackupReader, OperatorActions } from './actions.ts'
import { Lines } from './lines.ts'
import {
  MAX_LINE_BYTES,
  METHODS,
  type Method,
  OperatorError,
  type ParamsOf,
  REQUEST,
  type ResultOf,
} from './messages.ts'
import { socketPath } from './socket-path.ts'

/** The operator's door of a running node. */
export interface OperatorServer {
  close(): Promise<void>
}

const MAX_CONNECTIONS = 8 // one operator with a few terminals
const ACTION_MS = 30_000 // the guest answers at once; a page of records on a slow disk does not
const IDLE_MS = 120_000 // `--watch` asks each second; a forgotten terminal is let go
const OTHERS = 0o077

/**
 * Listens on a unix socket that its owner alone may open (mode 0600 in a folder of mode 0700); never on TCP. The node
 * holds its records' lock already, so a socket that lies there is that of a process that is gone.
 */
export async function serveOperator(
  file: string,
  actions: OperatorActions,
  log: Log,
): Promise<OperatorServer> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  if (((await stat(dirname(file))).mode & OTHERS) !== 0)
    throw new Error(`${dirname(file)} must be open to its owner only: chmod 700 ${dirname(file)}`)
  await rm(file, { force: true })
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    serve(socket, actions, log)
  })
  server.maxConnections = MAX_CONNECTIONS
  const at = await socketPath(file)
  try {
    await listen(server, at.path)
    await chmod(file, 0o600)
  } catch (error) {
    server.close()
    throw error
  } finally {
    await at.close()
  }
  return {
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(file, { force: true })
    },
  }
}

/** One request after the other; what is no request ends the connection. */
function serve(socket: Socket, actions: OperatorActions, log: Log): void {
  const lines = new Lines(MAX_LINE_BYTES)
  const gone = new AbortController()
  const session = new Session(actions)
  let work = Promise.resolve()
  socket.setTimeout(IDLE_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy()) // the tool went away
  socket.once('close', () => {
    gone.abort(new Error('the tool went away'))
    work = work.then(() => session.close()).catch(() => log.error('operator-failed'))
  })
  socket.on('data', (chunk) => {
    try {
      for (const line of lines.push(chunk)) {
        const request = REQUEST.parse(JSON.parse(line))
        socket.pause()
        work = work.then(async () => {
          socket.write(`${JSON.stringify(await answer(session, request, gone.signal, log))}\n`)
          socket.resume()
        })
      }
    } catch {
      socket.destroy() // not one of our tools
    }
  })
}

async function answer(
  session: Session,
  { id, method, params }: { id: number; method: Method; params: unknown },
  gone: AbortSignal,
  log: Log,
): Promise<object> {
  const signal = AbortSignal.any([gone, AbortSignal.timeout(ACTION_MS)])
  try {
    return { id, result: await session.run(method, params, signal) }
  } catch (error) {
    if (error instanceof OperatorError) {
      const { code, message, hint } = error
      return { id, error: { code, message, ...(hint === undefined ? {} : { hint }) } }
    }
    log.error('operator-failed', {
      method,
      reason: error instanceof Error ? error.message : String(error),
    })
    return { id, error: { code: 'failed', message: `${method} failed: see the node's log` } }
  }
}

/** What one connection may ask. */
class Session {
  readonly #actions: OperatorActions
  #backup: BackupReader | null = null

  constructor(actions: OperatorActions) {
    this.#actions = actions
  }

  async close(): Promise<void> {
    const backup = this.#backup
    this.#backup = null
    await backup?.close()
  }

  /** The result in the shape of its method. */
  async run(method: Method, given: unknown, signal: AbortSignal): Promise<unknown> {
    const params = METHODS[method].params.safeParse(given)
    if (!params.success)
      throw new OperatorError('refused', `${method}: ${params.error.issues[0]?.message ?? ''}`)
    const handle = this.#handlers[method] as (
      params: unknown,
      signal: AbortSignal,
    ) => Promise<unknown>
    return METHODS[method].result.parse(await handle(params.data, signal))
  }

  readonly #handlers: {
    readonly [M in Method]: (params: ParamsOf<M>, signal: AbortSignal) => Promise<ResultOf<M>>
  } = {
    status: (_, signal) => this.#actions.status(signal),
    alerts: async (_, signal) => ({ alerts: await this.#actions.alerts(signal) }),
    propose: async (wish, signal) => ({ proposalHash: await this.#actions.propose(wish, signal) }),
    answer: async (given, signal) => {
      await this.#actions.answer(given, signal)
      return { done: true }
    },
    proposal: ({ proposalHash }, signal) => this.#actions.proposal(proposalHash, signal),
    leave: async (wish, signal) => ({ proposalHash: await this.#actions.leave(wish, signal) }),
    'join-draft': (wish, signal) => this.#actions.draftJoin(wish, signal),
    'join-send': async ({ join }, signal) => {
      await this.#actions.sendJoin(join, signal)
      return { done: true }
    },
    history: ({ from }, signal) => this.#actions.history(from, signal),
    'backup-open': async (_, signal) => {
      await this.close()
      this.#backup = await this.#actions.openBackup(signal)
      return this.#backup.head
    },
    'backup-next': async (_, signal) => {
      if (this.#backup === null) throw new OperatorError('refused', 'no backup was begun')
      const { records, more } = await this.#backup.next(signal)
      if (!more) await this.close()
      return { records, more }
    },
    partition: async ({ from }) => {
      const { partition } = this.#actions
      if (partition === null)
        throw new OperatorError('refused', 'partitions are for development networks only')
      partition(from)
      return { done: true }
    },
  }
}

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
