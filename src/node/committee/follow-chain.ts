import type { Connection } from '@libp2p/interface'
import type { GuestCommittee } from '../../../enclave-runtime/host/guest.ts'
import type { Log } from '../log.ts'
import { askHistory } from './ask-committee.ts'
import type { Roster } from './roster.ts'

const EVERY_MS = 15_000 // members tell each other of epochs; a joiner asks
const ASK_MS = 120_000 // a long chain, each certificate verified by the guest
const FIRST_MS = 1_000 // until the first connections are there

export interface ChainFollowerInit {
  readonly roster: Roster
  readonly guest: Pick<GuestCommittee, 'status' | 'learn'>
  /** Open connections with members. */
  connections(): readonly Connection[]
  readonly log: Log
  /** Shorter for tests. */
  readonly everyMs?: number
}

/**
 * Brings the chain of epochs to a guest that is in no committee yet: it cannot hear of epochs otherwise. The guest verifies
 * every certificate; the host only asks the next peer where one is refused (03 §3.2).
 */
export class ChainFollower {
  readonly #init: ChainFollowerInit
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(init: ChainFollowerInit) {
    this.#init = init
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#run(), Math.min(FIRST_MS, this.#everyMs))
  }

  stop(): void {
    this.#stopping.abort()
    clearTimeout(this.#timer)
  }

  get #everyMs(): number {
    return this.#init.everyMs ?? EVERY_MS
  }

  async #run(): Promise<void> {
    const { roster, log } = this.#init
    try {
      if (roster.view.standing === 'joining') await this.#follow()
    } catch (error) {
      log.debug('chain-ended', { reason: error instanceof Error ? error.message : 'unknown' })
    }
    if (this.#stopping.signal.aborted) return
    this.#timer = setTimeout(() => void this.#run(), this.#everyMs)
  }

  async #follow(): Promise<void> {
    const { guest, log } = this.#init
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ASK_MS)])
    const { epoch } = await guest.status(signal)
    let next = epoch === null ? 0 : epoch.e + 1
    for (const connection of this.#init.connections()) {
      try {
        next = await this.#learn(connection, next, signal)
      } catch (error) {
        if (signal.aborted) throw error
        const reason = error instanceof Error ? error.message : 'unknown'
        log.warn('chain-refused', { peer: connection.remotePeer.toString(), epoch: next, reason })
      }
    }
  }

  /** All that one peer has; the epoch after the last that the guest believed. */
  async #learn(connection: Connection, from: number, signal: AbortSignal): Promise<number> {
    let next = from
    for (;;) {
      const certs = await askHistory(connection, next, signal)
      if (certs.length === 0) return next
      for (const cert of certs) {
        const learnt = await this.#init.guest.learn(cert, signal)
        if (learnt === 'refused' || learnt === 'fork')
          throw new Error(`the guest says ${learnt} of epoch ${next}`)
        next++
      }
    }
  }
}
