import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Account } from '../accounts/account.ts'
import type { Background } from '../background/background.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Clock } from '../sessions/clock.ts'
import type { GuestSettings } from '../settings.ts'
import { KeyLine, type KeyLineInit } from './key-line.ts'
import type { PresignatureMaker } from './presignature-maker.ts'
import type { PresignaturePool, Purpose } from './presignature-pool.ts'

/** Keys of the last minutes: more than a guest signs with in that time at its share of the processor. */
const MAX_HOT = 1_024

interface Hot {
  readonly account: Account
  readonly purpose: Purpose
  /** Monotonic ms. */
  readonly usedAt: number
  /** Its account was just made, and nothing was signed with it yet. */
  readonly isNew: boolean
}

export interface HotKeysInit {
  readonly settings: GuestSettings['presignatures']
  readonly pool: Pick<PresignaturePool, 'ready' | 'roomForOwn' | 'ownShare'>
  readonly maker: Pick<PresignatureMaker, 'make' | 'most' | 'cost' | 'isShort'>
  readonly background: Pick<Background, 'offer'>
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>
}

/**
 * Keeps a few presignatures ready for each key that signed here in the last minutes, with the signers that its
 * last signature had, and one for a key that is about to; where there are so many keys that all of them would not find room, fewer for each. Keys
 * with the same signers wait in one line, and several of them are served at once. A key that is not used any more
 * gets no further ones, and those that it has wait for it until they are too old.
 */
export class HotKeys {
  readonly #init: HotKeysInit
  readonly #hot = new BoundedMap<Hot>(MAX_HOT)
  /** By signers. */
  readonly #lines = new Map<string, KeyLine>()
  #closed = false

  constructor(init: HotKeysInit) {
    this.#init = init
  }

  /** A signature for this purpose was led here. */
  used(account: Account, purpose: Purpose): void {
    this.#want(account, purpose, false)
  }

  /** The account was made here: it will sign something, and gets one for that. Nobody waits for it yet. */
  created(account: Account, purpose: Purpose): void {
    if (this.#hot.get(account.id) === undefined) this.#want(account, purpose, true)
  }

  close(): void {
    this.#closed = true
    for (const line of this.#lines.values()) line.close()
    this.#lines.clear()
  }

  #want(account: Account, purpose: Purpose, isNew: boolean): void {
    const { settings, clock } = this.#init
    if (settings.keep === 0 || settings.warmMinutes === 0 || this.#closed) return
    this.#hot.set(account.id, { account, purpose, usedAt: clock.monotonicMs(), isNew })
    this.#lineOf(purpose.signers).want(account)
  }

  #lineOf(signers: readonly PartyIndex[]): KeyLine {
    const name = signers.join()
    const known = this.#lines.get(name)
    if (known !== undefined) return known
    const { maker, background, clock } = this.#init
    const init: KeyLineInit = {
      signers,
      ...{ maker, background, clock },
      missing: (account) => this.#missing(account, name),
      onIdle: () => this.#lines.delete(name),
    }
    const line = new KeyLine(init)
    this.#lines.set(name, line)
    return line
  }

  /** How many a key should have beside those that it has and that are on their way; none in a line it has left. */
  #missing({ id }: Account, line: string): { readonly none: boolean; readonly count: number } {
    const { settings, clock, pool } = this.#init
    const hot = this.#hot.get(id)
    if (hot === undefined || hot.purpose.signers.join() !== line) return NOTHING
    if (clock.monotonicMs() - hot.usedAt > settings.warmMinutes * 60_000) {
      this.#hot.delete(id)
      return NOTHING
    }
    const ready = pool.ready(hot.purpose)
    const each = hot.isNew ? 1 : Math.max(1, Math.floor(pool.ownShare / this.#hot.size))
    const count = Math.min(Math.min(settings.keep, each) - ready, pool.roomForOwn(hot.purpose))
    return { none: ready === 0 && !hot.isNew, count: Math.max(0, count) }
  }
}

const NOTHING = { none: false, count: 0 }
