import type { Random } from '../../../protocols/crypto/random.ts'
import { blamed, type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import { encodeAbort } from '../sessions/abort-kinds.ts'
import type { Clock } from '../sessions/clock.ts'
import { openEverywhere } from '../sessions/lead-session.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import { VaultError } from '../vault/vault-error.ts'
import {
  type Done,
  encodeDone,
  encodeJoin,
  encodeOpen,
  type Join,
  LAST_ATTEMPT,
  type Open,
  type SubAttempt,
} from './chunk-letters.ts'
import type { ChunkMaking } from './chunk-making.ts'
import type { ChunkStore } from './chunk-store.ts'
import { Joins } from './joins.ts'

/** Between two letters that say that this member waits. */
const JOIN_MS = 2_000
/** A dealer that leaves the committee and says nothing for so long is done without. */
const REPLAN_MS = 6_000
/** Without an opening for so long a sub-attempt is over. */
const WAIT_MS = 30_000
/** Of the conversation (02 §11). */
const CHUNK_MS = 120_000

export interface ChunkMakerInit {
  readonly me: PartyIndex
  readonly making: ChunkMaking
  /** Everybody of both committees, rising. */
  readonly everyone: readonly PartyIndex[]
  /** New members, rising. */
  readonly receivers: readonly PartyIndex[]
  /** Old members that stay, rising; of the genesis attempt all. They coordinate in turn. */
  readonly stayers: readonly PartyIndex[]
  readonly router: SessionRouter
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly random: Random
  readonly store: ChunkStore
  verifies(from: PartyIndex, transcript: Uint8Array, signature: Uint8Array): boolean
  onDone(transcript: Uint8Array): void
  /** No further sub-attempt: about whom, 0 for nobody. */
  onFailed(about: PartyIndex): void
  /** A defect, or a disk that takes no records: this guest cannot go on. */
  onError(error: unknown): void
}

/**
 * One chunk at one member, over its sub-attempts (03 §6.2). All who may take part say that they wait for sub-attempt a;
 * the member whose turn it is opens it once all who are needed do, with the dealers that failed before given way. A
 * number is used once. The chunk is done only with K4 of all who took part, and whoever has them gives them to those
 * that lack them: so one T is that of all, or a later sub-attempt is.
 */
export class ChunkMaker {
  readonly #init: ChunkMakerInit
  readonly #joins: Joins
  #a = 0
  #failed: readonly PartyIndex[] = []
  #suspect: PartyIndex = 0
  #isLost = false
  #phase: 'idle' | 'loading' | 'waiting' | 'running' | 'over' = 'idle'
  #since = 0
  #session: Session | undefined
  #disarm: () => void = () => undefined

  constructor(init: ChunkMakerInit) {
    this.#init = init
    this.#joins = new Joins(init.clock, 3 * JOIN_MS)
  }

  get isOver(): boolean {
    return this.#phase === 'over'
  }

  /** Idempotent. */
  start(): void {
    if (this.#phase !== 'idle') return
    this.#phase = 'loading'
    this.#init.making.knowsKeys().then(
      (knows) => {
        if (this.#phase !== 'loading') return
        this.#phase = 'waiting'
        this.#isLost = !knows
        this.#since = this.#init.clock.monotonicMs()
        this.#wait()
      },
      (error: unknown) => {
        if (!(error instanceof ProtocolError)) this.#defect(error)
        else if (this.#phase === 'loading') this.fail()
      },
    )
  }

  takeJoin(from: PartyIndex, join: Join): void {
    const { everyone } = this.#init
    if (!everyone.includes(from) || this.#phase === 'over') return
    const isNew = !this.#joins.at(join.a).some(([index]) => index === from)
    this.#joins.put(from, join)
    if (this.#phase !== 'waiting') return
    if (isNew) this.#send(from, this.#joinLetter()) // it began after this member said so
    // Whoever is ahead gave up what this member still waits for.
    if (join.a > this.#a) this.#enter(join.a, this.#suspect)
    else this.#coordinate()
  }

  /** The coordinator of a sub-attempt opens it. */
  takeOpen(from: PartyIndex, letter: Letter, open: Open): void {
    if (this.#phase !== 'waiting' || !this.#isAllowed(from, open)) return
    const { session: instance, attempt } = letter
    const spec = this.#init.making.session(open, open.nonce)
    if (attempt !== open.a || !Buffer.from(spec.instanceId).equals(instance)) {
      const body = encodeAbort({ kind: 'binding', round: 'session/open', from })
      const abort = { session: instance, attempt, round: 0, type: MESSAGE_TYPES.abort, body }
      void this.#init.router.send(from, abort)
      return
    }
    this.#run(open, open.nonce, undefined)
  }

  /** Somebody has K4 of all. */
  takeDone(done: Done): void {
    const { store, making, receivers } = this.#init
    if (this.#phase !== 'waiting' || !this.#isCertified(done)) return
    const { transcript, signatures } = done
    const record = store.get(making.chunk)
    const isMine =
      record?.stage === 'proved' && record.a === done.a && equal(record.transcript, transcript)
    if (receivers.includes(this.#init.me) && !isMine) return
    this.#stop()
    const stored = isMine
      ? store.certifiedElsewhere(making.chunk, signatures, (key) => making.isRoot(key))
      : Promise.resolve()
    stored.then(
      () => this.#init.onDone(transcript),
      (error: unknown) => this.#defect(error),
    )
  }

  /** It cannot be begun here: it was before this process started, or its attempt is not known any more. */
  fail(): void {
    this.#stop()
    this.#init.onFailed(0)
  }

  close(): void {
    this.#stop()
    this.#session?.end({ kind: 'cancelled', round: 'session/open' })
  }

  #wait(): void {
    const { clock } = this.#init
    this.#disarm()
    if (this.#phase !== 'waiting') return
    if (clock.monotonicMs() - this.#since > WAIT_MS) {
      this.#next(this.#missing(this.#plan())[0] ?? this.#suspect)
      return
    }
    this.#tell()
    this.#disarm = clock.after(JOIN_MS, () => this.#wait())
    this.#coordinate()
  }

  #tell(): void {
    const { everyone, me } = this.#init
    const body = this.#joinLetter()
    for (const index of everyone) if (index !== me) this.#send(index, body)
  }

  #joinLetter(): Uint8Array {
    return encodeJoin({
      chunk: this.#init.making.chunk,
      a: this.#a,
      failed: this.#failed,
      suspect: this.#suspect,
      isLost: this.#isLost,
    })
  }

  /** Opens the sub-attempt, if that is this member's turn and all who are needed wait for it. */
  #coordinate(): void {
    const { me, random } = this.#init
    if (this.#phase !== 'waiting' || this.#coordinatorOf(this.#a) !== me) return
    const plan = this.#plan()
    if (plan === undefined || this.#missing(plan).length > 0) return
    const nonce = random(32)
    this.#run(plan, nonce, encodeOpen({ chunk: this.#init.making.chunk, ...plan, nonce }))
  }

  /** With whom the sub-attempt is made: without a dealer that the others blame, or that leaves and is not here. */
  #plan(): SubAttempt | undefined {
    const { making, me, receivers, clock } = this.#init
    const a = this.#a
    const here = [me, ...this.#joins.at(a).map(([index]) => index)]
    const lost = [
      ...(this.#isLost ? [me] : []),
      ...this.#joins.at(a).flatMap(([index, { isLost }]) => (isLost ? [index] : [])),
    ]
      .filter((index) => receivers.includes(index))
      .sort((x, y) => x - y)
    const allows = (failed: readonly PartyIndex[]) => making.dealers({ a, failed, lost: [] })
    let failed = this.#joins.longest(a, this.#failed, (list) => allows(list) !== undefined)
    const without = (index: PartyIndex) => {
      if (allows(failed)?.includes(index) && allows([...failed, index]) !== undefined)
        failed = [...failed, index]
    }
    const suspect = this.#joins.suspect(a, [this.#suspect])
    if (suspect !== 0 && failed.length < a) without(suspect)
    for (const index of lost) without(index)
    const isLate = clock.monotonicMs() - this.#since > REPLAN_MS
    for (const index of isLate ? (allows(failed) ?? []) : [])
      if (!receivers.includes(index) && !here.includes(index)) without(index)
    const plan = { a, failed, lost }
    return making.dealers(plan) === undefined ? undefined : plan
  }

  /** Whoever is needed for it and does not wait for it. */
  #missing(plan: SubAttempt | undefined): PartyIndex[] {
    const { making, receivers, me } = this.#init
    if (plan === undefined) return []
    const here = new Set([me, ...this.#joins.at(plan.a).map(([index]) => index)])
    const needed = new Set([...receivers, ...(making.dealers(plan) ?? [])])
    return [...needed].filter((index) => !here.has(index)).sort((x, y) => x - y)
  }

  #isAllowed(from: PartyIndex, open: Open): boolean {
    const { making, receivers, me } = this.#init
    const { a, failed, lost } = open
    const dealers = making.dealers(open)
    if (a < this.#a || from !== this.#coordinatorOf(a) || dealers === undefined) return false
    if (this.#failed.some((index, at) => failed[at] !== index)) return false
    if (lost.some((index) => !receivers.includes(index))) return false
    if (this.#isLost && !lost.includes(me)) return false
    return receivers.includes(me) || dealers.includes(me)
  }

  #run(of: SubAttempt, nonce: Uint8Array, opening: Uint8Array | undefined): void {
    const { router, making } = this.#init
    this.#disarm()
    this.#a = of.a
    this.#failed = of.failed
    const session = router.open({ ...making.session(of, nonce), deadlineMs: CHUNK_MS })
    if (typeof session === 'string') {
      this.#disarm = this.#init.clock.after(JOIN_MS, () => this.#wait()) // no room now
      return
    }
    this.#phase = 'running'
    this.#session = session
    router
      .conduct(session, (party) =>
        opening === undefined
          ? making.run(party, of)
          : openEverywhere(router, session, opening, party, () => making.run(party, of)),
      )
      .then(
        (transcript) => {
          if (this.#phase === 'over') return
          this.#stop()
          this.#init.onDone(transcript)
        },
        (error: unknown) => this.#ended(session, error),
      )
  }

  #ended(session: Session, error: unknown): void {
    this.#session = undefined
    if (!(error instanceof ProtocolError)) {
      this.#defect(error)
      return
    }
    if (this.#phase === 'over') return
    this.#phase = 'waiting'
    if (error.fault.kind === 'own-share') this.#next(this.#init.me)
    else this.#next(suspectOf(session, error))
  }

  /** The next sub-attempt, if there is one. */
  #next(suspect: PartyIndex): void {
    if (this.#a < LAST_ATTEMPT) this.#enter(this.#a + 1, suspect)
    else {
      this.#stop()
      this.#init.onFailed(suspect)
    }
  }

  #enter(a: number, suspect: PartyIndex): void {
    this.#a = a
    this.#suspect = suspect
    this.#since = this.#init.clock.monotonicMs()
    this.#wait()
  }

  #isCertified({ transcript, signatures, ...of }: Done): boolean {
    const { making, receivers, verifies } = this.#init
    const dealers = making.dealers(of)
    if (dealers === undefined) return false
    const needed = [...new Set([...receivers, ...dealers])].sort((x, y) => x - y)
    const signers = signatures.map(([party]) => party)
    if (signers.join() !== needed.join()) return false
    return signatures.every(([party, signature]) => verifies(party, transcript, signature))
  }

  #coordinatorOf(a: number): PartyIndex {
    const { stayers, making } = this.#init
    return stayers[(making.chunk + a) % stayers.length] ?? 0
  }

  #send(to: PartyIndex, body: Uint8Array): void {
    const { router } = this.#init
    void router.send(to, openLetter(body))
  }

  #defect(error: unknown): void {
    const wasOver = this.#phase === 'over'
    this.#stop()
    // The epoch's key is destroyed under what still ran for it: that was asked for.
    if (wasOver && error instanceof VaultError && error.code === 'EPOCH_ERASED') return
    this.#init.onError(error)
    if (!wasOver) this.#init.onFailed(0)
  }

  #stop(): void {
    this.#phase = 'over'
    this.#disarm()
  }
}

/** What whoever still waits for a chunk is told by a member that has it; undefined while it has not. */
export function doneLetter(store: ChunkStore, chunk: number): Letter | undefined {
  const record = store.get(chunk)
  if (record?.stage !== 'done') return undefined
  const { a, failed, lost, transcript, signatures } = record
  return openLetter(encodeDone({ chunk, a, failed, lost, transcript, signatures }))
}

const openLetter = (body: Uint8Array): Letter => ({
  session: new Uint8Array(32),
  attempt: 0,
  round: 0,
  type: MESSAGE_TYPES.open,
  body,
})

/** Whom this member's own finding blames, or whom somebody waited for in vain; 0: somebody else knows. */
function suspectOf(session: Session, { fault }: ProtocolError): PartyIndex {
  const isTheirWord = session.told && fault === session.fault
  if (isTheirWord) return session.waitsFor ?? 0
  if (fault.kind === 'timeout') return fault.missing[0] ?? 0
  return blamed(fault) ?? 0
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
