import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { ProtocolError } from '../../../protocols/session/faults.ts'
import type { Account } from '../accounts/account.ts'
import type { Background, BackgroundJob } from '../background/background.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Clock } from '../sessions/clock.ts'
import type { GuestSettings } from '../settings.ts'
import type { PresignatureMaker } from './presignature-maker.ts'
import type { PresignaturePool, Purpose } from './presignature-pool.ts'

/** Keys of the last minutes: more than a guest signs with in that time at its share of the processor. */
const MAX_HOT = 1_024
const FIRST_REST_MS = 500
/** Until it is offered again where too much waits. */
const FULL_MS = 1_000
const LONGEST_REST_MS = 60_000
/** How long correlations are waited for, before presignatures are made without. */
const SHORT_MS = 1_000
const MOST_SHORT = 10

interface Hot {
  readonly account: Account
  readonly purpose: Purpose
  /** Monotonic ms. */
  readonly usedAt: number
  readonly making: Set<number>
  restMs: number
  notBefore: number
  /** How often in a row it waited for correlations. */
  short: number
}

export interface HotKeysInit {
  readonly settings: GuestSettings['presignatures']
  readonly pool: Pick<PresignaturePool, 'ready' | 'hasRoom'>
  readonly maker: Pick<PresignatureMaker, 'make' | 'cost' | 'isShort'>
  readonly background: Pick<Background, 'offer'>
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>
  readonly me: PartyIndex
}

/**
 * Keeps a few presignatures ready for each key that signed here in the last minutes, with the signers that its
 * last signature had. They are made one by one, the second and further ones when nothing else is to do, and none
 * while correlations are short: a request makes the same of those for less. A key that is not used any more gets
 * no further ones, and those that it has wait for it until they are too old.
 */
export class HotKeys {
  readonly #init: HotKeysInit
  readonly #hot = new BoundedMap<Hot>(MAX_HOT)
  /** Of each key, in hex, the next look at what it has. */
  readonly #bells = new Map<string, () => void>()
  #closed = false

  constructor(init: HotKeysInit) {
    this.#init = init
  }

  /** A signature for this purpose was led here. */
  used(account: Account, purpose: Purpose): void {
    const { settings, clock } = this.#init
    if (settings.keep === 0 || settings.warmMinutes === 0) return
    const known = this.#hot.get(account.id)
    const rest = {
      restMs: FIRST_REST_MS,
      notBefore: 0,
      short: 0,
      making: new Set<number>(),
      ...known,
    }
    this.#hot.set(account.id, { ...rest, account, purpose, usedAt: clock.monotonicMs() })
    this.#refill(account.id)
  }

  close(): void {
    this.#closed = true
    for (const disarm of this.#bells.values()) disarm()
    this.#bells.clear()
  }

  #refill(id: Uint8Array): void {
    const { settings, pool, background, clock, maker, me } = this.#init
    const hot = this.#hot.get(id)
    if (hot === undefined) return
    const now = clock.monotonicMs()
    if (now - hot.usedAt > settings.warmMinutes * 60_000) {
      this.#hot.delete(id)
      return
    }
    if (hot.notBefore > now) {
      if (!this.#bells.has(nameOf(id))) this.#ring(id, hot.notBefore - now)
      return
    }
    if (maker.isShort(hot.purpose.signers) && hot.short < MOST_SHORT) {
      hot.short += 1
      hot.notBefore = now + SHORT_MS
      this.#ring(id, SHORT_MS)
      return
    }
    hot.short = 0
    for (let place = 0; place < settings.keep; place++) {
      if (pool.ready(hot.purpose) + hot.making.size >= settings.keep) return
      if (hot.making.has(place)) continue
      if (!pool.hasRoom(me, hot.purpose)) return
      const key = `presignature/${nameOf(id)}/${place}`
      const cost = maker.cost(hot.purpose.signers)
      const run: BackgroundJob['run'] = (signal, spent) => this.#make(id, place, signal, spent)
      const urgency = place === 0 ? undefined : 'spare'
      if (!background.offer({ kind: 'presignatures', key, ...cost, run, urgency })) {
        if (!this.#bells.has(nameOf(id))) this.#ring(id, FULL_MS)
        return
      }
      hot.making.add(place)
    }
  }

  async #make(
    id: Uint8Array,
    place: number,
    signal: AbortSignal,
    spent: Parameters<BackgroundJob['run']>[1],
  ): Promise<void> {
    spent({}) // from here on it is measured
    const { maker, clock } = this.#init
    const hot = this.#hot.get(id)
    if (hot === undefined) return
    try {
      await maker.make(hot.account, hot.purpose.signers, signal, spent)
      this.#rest(id, 0)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#rest(id, hot.restMs)
    } finally {
      hot.making.delete(place)
      // The place is free once this job is over.
      const wait = Math.max(1, (this.#hot.get(id)?.notBefore ?? 0) - clock.monotonicMs())
      this.#ring(id, wait)
    }
  }

  #ring(id: Uint8Array, ms: number): void {
    if (this.#closed) return
    const name = nameOf(id)
    this.#bells.get(name)?.()
    const disarm = this.#init.clock.after(ms, () => {
      this.#bells.delete(name)
      this.#refill(id)
    })
    this.#bells.set(name, disarm)
  }

  /** After a failure nothing is made for a while, twice as long after each; a success ends that. */
  #rest(id: Uint8Array, ms: number): void {
    const hot = this.#hot.get(id)
    if (hot === undefined) return
    hot.notBefore = ms === 0 ? 0 : this.#init.clock.monotonicMs() + ms
    hot.restMs = ms === 0 ? FIRST_REST_MS : Math.min(2 * ms, LONGEST_REST_MS)
  }
}

const nameOf = (id: Uint8Array): string => Buffer.from(id).toString('hex')
