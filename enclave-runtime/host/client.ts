import type { Readable, Writable } from 'node:stream'
import { type Codec, DecodeError } from '../../protocols/session/codec.ts'
import { PortViolation } from '../port/frames.ts'
import {
  type CommandAsk,
  checkReply,
  commandAsk,
  doneReply,
  envelopeFrame,
  getReply,
  guestEvent,
  type HelloToGuest,
  type HelloToHost,
  helloToGuest,
  helloToHost,
  initReply,
  leadReply,
  MAX_ENVELOPE_BYTES,
  PORT_TYPES,
  rpcAsk,
  scanReply,
  signNodeReply,
  statusReply,
  storeAsk,
  WAITING_ENVELOPE_BYTES,
} from '../port/messages.ts'
import { Port, PortError } from '../port/port.ts'
import { committeeSide } from './committee-side.ts'
import { Diagnostics } from './diagnostics.ts'
import { exitReason } from './exit-reason.ts'
import type { EnvelopeTaker, Guest, GuestCommittee, GuestEvent, GuestExit } from './guest.ts'
import { LaunchError } from './launch-error.ts'
import type { RecordStore } from './record-store.ts'

export type { Guest } from './guest.ts'

/** A process that speaks the port: input, output and diagnostics are its descriptors 0, 1 and 2. */
export interface GuestProcess {
  readonly input: Writable
  readonly output: Readable
  readonly diagnostics: Readable
  /** At once, without asking. */
  kill(): void
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
}

export interface ClientOptions {
  readonly store: RecordStore
  readonly hello: HelloToGuest
  /** Code lines of the guest (04 §1). */
  onDiagnostic?(line: string): void
}

const NOTHING = new Uint8Array() // what a one-way frame gives back: it is not sent
const DELIVER_MS = 30_000 // the guest only queues what it is given; slower means that it hangs
const SHUTDOWN_MS = 3000 // for writes that are on their way
const KILL_MS = 2000 // after that, for a guest that said yes and stays

/**
 * Says hello and waits for the answer. Throws `LaunchError`: GUEST_ENDED, with what the guest said, or
 * GUEST_SILENT when `signal` ends the wait.
 */
export async function connectGuest(
  process: GuestProcess,
  options: ClientOptions,
  signal: AbortSignal,
): Promise<Guest> {
  const client = new GuestClient(process, options)
  const hello = await client.greet(options.hello, signal)
  return client.as(hello)
}

class GuestClient {
  readonly #process: GuestProcess
  readonly #port: Port
  readonly #store: RecordStore
  readonly #diagnostics: Diagnostics
  readonly #hello: PromiseWithResolvers<HelloToHost> = Promise.withResolvers()
  readonly #exited: Promise<GuestExit>
  readonly #committee: GuestCommittee
  #greeted = false
  #violation: string | undefined
  #takeEnvelope: EnvelopeTaker | undefined
  #takeEvent: (event: GuestEvent) => void = () => {}
  #earlyEvents: GuestEvent[] | undefined = []
  #stopping: Promise<void> | undefined

  constructor(process: GuestProcess, { store, onDiagnostic }: ClientOptions) {
    this.#process = process
    this.#store = store
    this.#diagnostics = new Diagnostics(
      (line) => onDiagnostic?.(line),
      () => performance.now(),
    )
    this.#port = new Port(
      {
        write: (bytes) => process.input.writable && process.input.write(bytes),
        pause: () => process.output.pause(),
        resume: () => process.output.resume(),
      },
      (violation) => this.#violated(violation),
    )
    this.#serve()
    this.#committee = committeeSide(this.#port, (...asked) => this.#ask(...asked))
    process.input.on('drain', () => this.#port.drained())
    process.input.on('error', () => this.#port.close('GUEST_ENDED')) // it is gone; `exited` says why
    process.output.on('data', (chunk: Uint8Array) => this.#port.receive(chunk))
    process.diagnostics.on('data', (chunk: Uint8Array) => this.#diagnostics.push(chunk))
    this.#exited = process.ended.then(({ code, signal }) => this.#ended(code, signal))
  }

  async greet(hello: HelloToGuest, signal: AbortSignal): Promise<HelloToHost> {
    const silent = Promise.withResolvers<never>()
    const onAbort = () =>
      silent.reject(new LaunchError('GUEST_SILENT', 'the guest did not answer in time'))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    const gone = this.#exited.then(({ code, reason }) => {
      throw new LaunchError('GUEST_ENDED', `the guest ended (${code}): ${reason}`, {
        exitCode: code,
      })
    })
    try {
      this.#port.tell(PORT_TYPES.hello, helloToGuest.encode(hello), signal).catch(ignoreClosed)
      return await Promise.race([this.#hello.promise, gone, silent.promise])
    } catch (error) {
      this.#process.kill()
      await this.#exited
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
      gone.catch(() => {}) // told above, or no longer anyone's business
    }
  }

  as(hello: HelloToHost): Guest {
    const { rpc, command, envelope } = PORT_TYPES
    return {
      hello,
      exited: this.#exited,
      committee: this.#committee,
      check: (request, signal, offer) => {
        const ask = rpcAsk.encode({ op: 'check', request, ...(offer && { offer }) })
        return this.#ask(rpc, ask, checkReply, signal)
      },
      lead: (request, plan, signal) =>
        this.#ask(rpc, rpcAsk.encode({ op: 'lead', request, ...plan }), leadReply, signal),
      deliver: async (from, bytes) => {
        if (bytes.length === 0 || bytes.length > MAX_ENVELOPE_BYTES)
          throw new PortError('BAD_ENVELOPE')
        const frame = envelopeFrame.encode({ peer: from, bytes, priority: 0 })
        if (!this.#port.offer(envelope, frame, WAITING_ENVELOPE_BYTES))
          await this.#port.tell(
            envelope,
            frame,
            AbortSignal.timeout(DELIVER_MS),
            WAITING_ENVELOPE_BYTES,
          )
      },
      onEnvelope: (take) => {
        this.#takeEnvelope = take
      },
      status: (signal) =>
        this.#ask(command, commandAsk.encode({ op: 'status' }), statusReply, signal),
      links: (up) => this.#command({ op: 'links', up }),
      signNode: async (fields, signal) => {
        const bytes = commandAsk.encode({ op: 'signNode', ...fields })
        return (await this.#ask(command, bytes, signNodeReply, signal)).record
      },
      init: (fields, signal) =>
        this.#ask(command, commandAsk.encode({ op: 'init', ...fields }), initReply, signal),
      onEvent: (take) => {
        this.#takeEvent = take
        const early = this.#earlyEvents ?? []
        this.#earlyEvents = undefined
        for (const event of early) take(event)
      },
      stop: () => {
        this.#stopping ??= this.#stop()
        return this.#stopping
      },
    }
  }

  /** Says what has no reply. */
  #command(ask: Extract<CommandAsk, { op: 'links' | 'unsent' }>): void {
    const { command } = PORT_TYPES
    const bytes = commandAsk.encode(ask)
    const limit = AbortSignal.timeout(DELIVER_MS)
    this.#port.tell(command, bytes, limit).catch(ignoreClosed)
  }

  async #ask<T>(type: number, bytes: Uint8Array, codec: Codec<T>, signal: AbortSignal): Promise<T> {
    const reply = await this.#port.request(type, bytes, signal)
    try {
      return codec.decode(reply)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#port.close('GUEST_VIOLATION')
      this.#violated(new PortViolation('a reply that does not decode', { cause: error }))
      throw new PortError('GUEST_VIOLATION', { cause: error })
    }
  }

  #serve(): void {
    this.#port.serve(PORT_TYPES.hello, async (payload) => {
      if (this.#greeted) throw new PortViolation('a second hello')
      this.#greeted = true
      this.#hello.resolve(helloToHost.decode(payload))
      return doneReply.encode({ ok: true })
    })
    this.#port.serve(PORT_TYPES.store, (payload) => this.#serveStore(payload))
    this.#port.serve(PORT_TYPES.envelope, async (payload) => {
      const { peer, bytes, priority } = envelopeFrame.decode(payload)
      try {
        if (this.#takeEnvelope === undefined) throw new PortError('UNREACHABLE')
        await this.#takeEnvelope(peer, bytes, priority)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error
        this.#command({ op: 'unsent', party: peer, priority })
      }
      return NOTHING
    })
    this.#port.serve(PORT_TYPES.event, async (payload) => {
      const event = guestEvent.decode(payload)
      if (this.#earlyEvents === undefined) this.#takeEvent(event)
      else if (this.#earlyEvents.length < MAX_EARLY_EVENTS) this.#earlyEvents.push(event)
      return doneReply.encode({ ok: true })
    })
  }

  async #serveStore(payload: Uint8Array): Promise<Uint8Array> {
    const ask = storeAsk.decode(payload)
    switch (ask.op) {
      case 'get':
        return getReply.encode({ record: (await this.#store.get(ask.name)) ?? null })
      case 'scan':
        return scanReply.encode(await this.#store.scan(ask.prefix, ask.after))
      case 'batch':
        await this.#store.batch(ask)
        return doneReply.encode({ ok: true })
    }
  }

  #violated(violation: PortViolation): void {
    this.#violation ??= `GUEST_VIOLATION: ${violation.message}`
    this.#process.kill()
  }

  #ended(code: number | null, signal: string | null): GuestExit {
    this.#port.close('GUEST_ENDED')
    const { last } = this.#diagnostics
    const reason = this.#violation ?? exitReason(code, signal)
    return { code, reason: last === null ? reason : `${reason} (${last})`, detail: last }
  }

  async #stop(): Promise<void> {
    const bytes = commandAsk.encode({ op: 'shutdown' })
    const asked = this.#port.request(PORT_TYPES.command, bytes, AbortSignal.timeout(SHUTDOWN_MS))
    await asked.catch(ignoreClosed) // gone, or deaf: both end below
    this.#process.input.end()
    const late = setTimeout(() => this.#process.kill(), KILL_MS)
    await this.#exited
    clearTimeout(late)
  }
}

const MAX_EARLY_EVENTS = 100 // before anyone listens

/** The guest ended before it took what it was told; `exited` tells why. */
const ignoreClosed = (error: unknown): void => {
  if (!(error instanceof PortError)) throw error
}
