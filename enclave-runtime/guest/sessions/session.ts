import { DecodeError } from '../../../protocols/session/codec.ts'
import {
  blamed,
  type Fault,
  type PartyIndex,
  ProtocolError,
} from '../../../protocols/session/faults.ts'
import { FORMS, type Form, KINDS, type Kind } from '../../../protocols/session/instance.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../protocols/session/numbers.ts'
import {
  type AbortKind,
  decodeAbort,
  encodeAbort,
  faultOfAbort,
  type Holdings,
} from './abort-kinds.ts'
import type { Letter, Post } from './post.ts'
import type { Unread } from './unread.ts'

export interface SessionSpec {
  readonly kind: Kind
  readonly instanceId: Uint8Array
  readonly attempt: number
  /** How a signature or presignature comes about; absent for everything else. */
  readonly form?: Form
  /** Every participant, own index included, ascending. */
  readonly everyone: readonly PartyIndex[]
  readonly deadlineMs: number
  readonly progress?: SessionProgress
}

/** Told how far a session is, for measurements: nothing depends on it. */
export interface SessionProgress {
  /** The conversation here sends or waits in this round. */
  entered(round: string): void
  /** A letter of this round came. */
  heard(round: string): void
  /** Everything of this round came, from everyone. */
  heardAll(round: string): void
}

interface Wait {
  readonly round: string
  readonly from: PartyIndex
  readonly arrived: PromiseWithResolvers<Uint8Array>
}

const ROUND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ROUND_NUMBERS).map(([name, number]) => [number, name]),
)

/** One run of one protocol, as far as letters go: what came, who is waited for, and how it ended. */
export class Session {
  readonly spec: SessionSpec
  readonly me: PartyIndex
  /** When it was opened here, in monotonic milliseconds. */
  readonly openedMs: number
  readonly #post: Post
  readonly #unread: Unread
  readonly #arrived = new Map<string, Uint8Array>()
  readonly #waits = new Map<string, Wait>()
  readonly #stop = new AbortController()
  readonly #accepted = Promise.withResolvers<void>()
  readonly #heardFrom = new Set<PartyIndex>()
  readonly #heard = Promise.withResolvers<void>()
  #fault: Fault | undefined
  #told = false
  #tellAs: AbortKind | undefined
  #endedBy: PartyIndex | undefined
  #waitsFor: PartyIndex | undefined
  #holdings: Holdings | undefined
  #round = 'session/open'
  #over = false

  constructor(
    spec: SessionSpec,
    me: PartyIndex,
    post: Post,
    openedMs: number,
    unread: Unread = () => undefined,
  ) {
    this.spec = spec
    this.me = me
    this.openedMs = openedMs
    this.#post = post
    this.#unread = unread
    this.#accepted.promise.catch(() => undefined) // only pair setups wait for it
  }

  get fault(): Fault | undefined {
    return this.#fault
  }

  /** Whether the fault is another party's word, not our own finding. */
  get told(): boolean {
    return this.#told
  }

  /** Whose abort ended the session: somebody to do without next time, never somebody to blame. */
  get endedBy(): PartyIndex | undefined {
    return this.#endedBy
  }

  /** Whom the sender of that abort waited for in vain, by its own word. */
  get waitsFor(): PartyIndex | undefined {
    return this.#waitsFor
  }

  /** What `endedBy` still holds, when it did not know a correlation that was named here. */
  get holdings(): Holdings | undefined {
    return this.#holdings
  }

  get others(): readonly PartyIndex[] {
    return this.spec.everyone.filter((party) => party !== this.me)
  }

  /** The round that the conversation here is in. */
  get round(): string {
    return this.#round
  }

  /** Whether a message of a round came from this party. */
  hasHeard(from: PartyIndex): boolean {
    return this.#heardFrom.has(from)
  }

  /** Aborted when the session ends without a result. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /**
   * One letter of type `round` or `abort` from an authenticated participant. The first copy counts, an
   * identical one is dropped, another one ends the session (02 §11).
   *
   * 02 §12 drops a wrong round, 04 §11 calls it a fault of the party. Both hold: a known round of this
   * session is kept or dropped however early or late it is, and so is what comes from outside the session;
   * but a round of no such conversation, or another attempt under this instanceId, is nothing that an
   * honest guest ever seals, and nobody else can seal it. It ends the session as malformed, so that its
   * sender is counted instead of being waited for.
   */
  take(from: PartyIndex, { attempt, round, type, body }: Letter): void {
    if (this.#over || !this.others.includes(from)) {
      if (type === MESSAGE_TYPES.round) this.#unread(from, round, body)
      body.fill(0)
      return
    }
    if (type === MESSAGE_TYPES.abort) {
      this.#takeAbort(from, body)
      return
    }
    const name = ROUND_NAMES.get(round)
    if (attempt !== this.spec.attempt || name === undefined || round >> 8 !== roundsOf(this.spec)) {
      const reason = 'no round of this session'
      this.end({ kind: 'malformed', round: name ?? this.#round, from, reason })
      body.fill(0)
      return
    }
    const place = `${name}/${from}`
    const first = this.#arrived.get(place)
    if (first !== undefined) {
      if (!sameBytes(first, body)) this.end({ kind: 'equivocation', round: name, from })
      if (first !== body) body.fill(0)
      return
    }
    this.#arrived.set(place, body)
    this.#heardFrom.add(from)
    this.#heard.resolve()
    this.spec.progress?.heard(name)
    this.#waits.get(place)?.arrived.resolve(body)
    this.#waits.delete(place)
    if (this.others.every((other) => this.#arrived.has(`${name}/${other}`)))
      this.spec.progress?.heardAll(name)
  }

  /** The receiver of a pair-setup open has a free slot. */
  accept(from: PartyIndex): void {
    if (this.spec.everyone.includes(from) && from !== this.me) this.#accepted.resolve()
  }

  /** Waits for `accept`; rejects when the session ends first. */
  accepted(): Promise<void> {
    return this.#accepted.promise
  }

  /** Resolves with the first message of a round, never when there is none. */
  heard(): Promise<void> {
    return this.#heard.promise
  }

  /** Throws what ended the session, if it ended: asked before a message is handed on. */
  assertRunning(round: string): void {
    if (this.#over) throw new ProtocolError(this.#fault ?? { kind: 'cancelled', round })
  }

  async receive(round: string, from: PartyIndex): Promise<Uint8Array> {
    this.#enter(round)
    const place = `${round}/${from}`
    const early = this.#arrived.get(place)
    if (early !== undefined) return early
    const wait = { round, from, arrived: Promise.withResolvers<Uint8Array>() }
    this.#waits.set(place, wait)
    return wait.arrived.promise
  }

  /** Sends one message of a round. A peer that cannot be reached ends the session at once, by name. */
  async send(round: string, to: PartyIndex, body: Uint8Array): Promise<void> {
    this.#enter(round)
    const number = ROUND_NUMBERS[round]
    if (number === undefined) throw new Error(`bug: round ${round} has no number`)
    const { instanceId: session, attempt } = this.spec
    const letter = { session, attempt, round: number, type: MESSAGE_TYPES.round, body }
    try {
      await this.#post.send(to, letter, this.signal, priorityOf(this.spec.kind))
    } catch (cause) {
      this.unreachable(to, round)
      throw new ProtocolError(this.#fault ?? { kind: 'cancelled', round }, { cause })
    }
  }

  /** The peer is gone: its silence is certain, so nobody waits for the deadline. */
  unreachable(peer: PartyIndex, round: string = this.#round): void {
    this.end({ kind: 'timeout', round, missing: [peer] })
  }

  /** The deadline passed: names those that were waited for. */
  expire(): void {
    const missing = new Set(Array.from(this.#waits.values(), ({ from }) => from))
    if (missing.size === 0 && this.#round === 'session/open')
      for (const other of this.others) missing.add(other) // nobody accepted
    const round = this.#waits.values().next().value?.round ?? this.#round
    this.end({ kind: 'timeout', round, missing: [...missing].sort((a, b) => a - b) })
  }

  /** Ends the session here, without telling anyone yet. The first reason stays; `tellAs` is said in its place. */
  end(fault: Fault, tellAs?: AbortKind): void {
    if (this.#over) return
    this.#over = true
    this.#fault = fault
    this.#tellAs = tellAs
    const error = new ProtocolError(fault)
    this.#stop.abort(error)
    this.#accepted.reject(error)
    for (const { arrived } of this.#waits.values()) arrived.reject(error)
    this.#waits.clear()
    this.#wipe()
  }

  /** Tells every other participant that it ended, with a kind of the closed list. */
  async tell(fault: Fault, signal: AbortSignal, holdings?: Holdings): Promise<void> {
    const { instanceId: session, attempt } = this.spec
    const type = MESSAGE_TYPES.abort
    const as = fault.kind === 'banned' ? 'aborted' : this.#tellAs // a ban ends sessions without a reason
    const told = fault === this.#fault ? as : undefined
    const letterTo = (to: PartyIndex): Letter => {
      const body = encodeAbort(fault, told, to === blamed(fault) ? holdings : undefined)
      return { session, attempt, round: 0, type, body }
    }
    // Those that cannot be reached have nobody to tell; their own deadline ends it.
    await Promise.allSettled(this.others.map((to) => this.#post.send(to, letterTo(to), signal)))
  }

  /** The conversation returned or threw. */
  leave(): void {
    this.#over = true
    this.#wipe()
  }

  #takeAbort(from: PartyIndex, body: Uint8Array): void {
    this.#told = true
    this.#endedBy = from
    try {
      const { kind, missing, holdings } = decodeAbort(body)
      if (this.spec.form === FORMS.correlated) this.#holdings = holdings
      if (missing !== undefined && this.spec.everyone.includes(missing)) this.#waitsFor = missing
      this.end(faultOfAbort(kind, from, this.#round, this.spec.form))
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      this.end({ kind: 'cancelled', round: this.#round }) // an abort all the same
    }
  }

  /** Bodies may hold shares and openings; the conversation has its own copies. */
  #wipe(): void {
    for (const [place, body] of this.#arrived) {
      const [name, from] = splitPlace(place)
      this.#unread(from, ROUND_NUMBERS[name] ?? 0, body)
      body.fill(0)
    }
    this.#arrived.clear()
  }

  #enter(round: string): void {
    this.assertRunning(round)
    if (round !== this.#round) this.spec.progress?.entered(round)
    this.#round = round
  }
}

/** In full a presignature is a signature that stops before its last round (02 §6.1): the rounds are the same. */
const roundsOf = ({ kind, form }: SessionSpec): Kind =>
  kind === KINDS.presignature && form === FORMS.full ? KINDS.signature : kind

/** What is made ahead leaves behind what somebody waits for; a reshare has time, and must end. */
export const priorityOf = (kind: Kind): 0 | 1 | 2 => {
  if (kind === KINDS.reshare) return 1
  return kind === KINDS.correlations || kind === KINDS.presignature ? 2 : 0
}

function splitPlace(place: string): [name: string, from: PartyIndex] {
  const at = place.lastIndexOf('/')
  return [place.slice(0, at), Number(place.slice(at + 1))]
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
