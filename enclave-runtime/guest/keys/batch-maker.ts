import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { FORMS, instanceId, KINDS } from '../../../protocols/session/instance.ts'
import { SECP256K1 } from '../../../protocols/sharing/key-record.ts'
import type { Background } from '../background/background.ts'
import { guestOf } from '../committee.ts'
import type { Answers } from '../sessions/answers.ts'
import type { Clock } from '../sessions/clock.ts'
import { Declined, type Followers } from '../sessions/followers.ts'
import { openEverywhere } from '../sessions/lead-session.ts'
import type { Letter } from '../sessions/post.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import type { KeygenLimits } from './keygen-limits.ts'
import { decodeBatchOpening, encodeBatchOpening } from './keygen-opening.ts'
import { MAX_BATCH } from './pending-batch.ts'
import type { ReadyKeys } from './ready-keys.ts'
import { type RunKeygenDeps, runKeygen } from './run-keygen.ts'

/** A chunk of many keys has 120 s (02 §11); a batch is small, and holds a place in every guest. */
const BATCH_MS = 60_000
const MIN_BUDGET_MS = 500
/** After a batch that failed, or that others did not want to begin now. */
const RETRY_MS = 5_000
const BUSY_MS = 500
/** What a key of a batch costs this guest with each other one, about. */
const BYTES_PER_KEY_AND_PEER = 512
const CPU_MS_PER_KEY = { wasm: 4, reference: 20 } as const

export interface BatchMakerInit extends RunKeygenDeps {
  /** How many keys this guest wants to have ready; 0: none. */
  readonly size: number
  readonly router: SessionRouter
  readonly answers: Answers
  readonly followers: Followers
  readonly limits: KeygenLimits
  readonly ready: ReadyKeys
  readonly background: Pick<Background, 'offer' | 'admit'>
  readonly clock: Pick<Clock, 'after'>
  readonly isComplete: () => boolean
  /** A batch of this guest's pool ended, well or not. */
  readonly onMade: () => void
}

/** Keys made before there is an account for them, by whole batches: led here for the own pool, or followed. */
export class BatchMaker {
  readonly #init: BatchMakerInit
  /** Owners whose batches run here. */
  readonly #running = new Map<PartyIndex, number>()
  #disarm: (() => void) | undefined
  #closed = false

  constructor(init: BatchMakerInit) {
    this.#init = init
  }

  /** Whether a batch of this owner goes on here. */
  isBusy(owner: PartyIndex): boolean {
    return this.#running.has(owner)
  }

  /** Asks for a batch in the background when half of the pool is gone. */
  refill(): void {
    const { committee, kernel, background, clock } = this.#init
    if (this.#closed || !this.#isLow()) return
    const count = this.#count()
    const offered = background.offer({
      kind: 'keys',
      key: 'ready keys',
      bytes: count * BYTES_PER_KEY_AND_PEER * (committee.guests.length - 1),
      cpuMs: count * CPU_MS_PER_KEY[kernel.name],
      run: async (signal) => {
        try {
          if (this.#isLow()) await this.#lead(signal)
        } finally {
          this.#disarm?.() // when it is still low, it is asked for again
          this.#disarm = clock.after(RETRY_MS, () => this.refill())
        }
      },
    })
    if (offered) this.#disarm?.()
  }

  /** Another guest opens a batch. */
  take(from: PartyIndex, letter: Letter): void {
    this.#init.followers.take('keygen', from, letter, (begun) => this.#follow(from, letter, begun))
  }

  close(): void {
    this.#closed = true
    this.#disarm?.()
  }

  #isLow(): boolean {
    const { size, ready, keys, pending, limits, committee, isComplete } = this.#init
    const me = committee.me.index
    const coming = keys.ofOwner(me).filter((batch) => !pending.isDead(batch))
    const own = coming.reduce((sum, batch) => sum + batch.keys.length, ready.countOf(me))
    const wanted = size > 0 && own <= size / 2 && !this.isBusy(me) && isComplete()
    return wanted && limits.allowsBatch(me, this.#count()) // what the others would refuse is not asked for
  }

  #count(): number {
    return Math.min(this.#init.size, MAX_BATCH)
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { committee, router, answers, random } = this.#init
    const me = committee.me.index
    const count = this.#count()
    const nonce = random(32)
    const session = this.#open(me, nonce, count, BATCH_MS)
    if (typeof session === 'string') return
    const end = () => session.end({ kind: 'cancelled', round: 'session/open' })
    signal.addEventListener('abort', end, { once: true })
    answers.watch(session, () => false)
    const opening = encodeBatchOpening({ nonce, count, budgetMs: BATCH_MS })
    try {
      await this.#during(me, () =>
        router.conduct(session, (party) =>
          openEverywhere(router, session, opening, party, () =>
            runKeygen(this.#init, party, { kind: 'ready', owner: me }, count),
          ),
        ),
      )
    } finally {
      this.#init.onMade()
      answers.unwatch(session)
      signal.removeEventListener('abort', end)
    }
  }

  async #follow(
    from: PartyIndex,
    letter: Letter,
    begun: (session: Session) => void,
  ): Promise<void> {
    const { committee, router, limits, background, kernel } = this.#init
    const { nonce, count, budgetMs } = decodeBatchOpening(letter.body)
    const instance = this.#instance(from, nonce, count)
    if (letter.attempt !== 0 || !Buffer.from(instance).equals(letter.session))
      throw new Declined({ kind: 'abort', fault: { kind: 'binding', round: 'session/open', from } })
    limits.assertBatch(from, count)
    if (this.isBusy(from)) throw later('busy')
    const bytes = count * BYTES_PER_KEY_AND_PEER * (committee.guests.length - 1)
    const cost = { bytes, cpuMs: count * CPU_MS_PER_KEY[kernel.name] }
    if (background.admit(from, cost) === undefined) throw later('busy')
    const deadlineMs = Math.min(Math.max(budgetMs, MIN_BUDGET_MS), BATCH_MS)
    const session = this.#open(from, nonce, count, deadlineMs)
    if (session === 'reused') throw new Declined({ kind: 'refuse', id: 'SESSION_ID_REUSED' })
    if (session === 'overloaded') throw later('overloaded')
    begun(session)
    await this.#during(from, () =>
      router.conduct(session, (party) =>
        runKeygen(this.#init, party, { kind: 'ready', owner: from }, count),
      ),
    )
  }

  /** While it runs, what it will hold is not decided; afterwards what it left pending is asked about. */
  async #during(owner: PartyIndex, run: () => Promise<void>): Promise<void> {
    const { keys, limits, pending } = this.#init
    const before = keys.ofOwner(owner).length
    this.#running.set(owner, (this.#running.get(owner) ?? 0) + 1)
    limits.ran(owner)
    try {
      await run()
    } finally {
      const left = (this.#running.get(owner) ?? 1) - 1
      if (left > 0) this.#running.set(owner, left)
      else this.#running.delete(owner)
      if (keys.ofOwner(owner).length > before) limits.lost(owner)
      pending.resume()
    }
  }

  #open(owner: PartyIndex, nonce: Uint8Array, count: number, deadlineMs: number) {
    const { router, committee } = this.#init
    const everyone = committee.guests.map(({ index }) => index)
    const instance = this.#instance(owner, nonce, count)
    return router.open({
      kind: KINDS.keygen,
      instanceId: instance,
      attempt: 0,
      everyone,
      deadlineMs,
    })
  }

  /** No request asked for these keys: its place has the guest key of their owner, so that all agree who that is. */
  #instance(owner: PartyIndex, coordinatorNonce: Uint8Array, count: number): Uint8Array {
    const { committee } = this.#init
    const { networkId, epochId, guests, threshold } = committee
    const id = guestOf(committee, owner)?.id
    if (id === undefined) throw new Error('bug: an opening of no member')
    return instanceId({
      kind: KINDS.keygen,
      networkId,
      epochId,
      participants: { dealers: guests, receivers: guests },
      params: { curve: SECP256K1, threshold, count, chunk: 0, subAttempt: 0 },
      form: FORMS.none,
      requestDigest: id,
      attempt: 0,
      coordinatorNonce,
    })
  }
}

const later = (reason: 'busy' | 'overloaded'): Declined =>
  new Declined({ kind: 'notYet', reason, retryAfterMs: BUSY_MS })
