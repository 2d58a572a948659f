import type { KeyCertificate } from '../../../protocols/keygen/key-certificate.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Clock } from '../sessions/clock.ts'
import type { HeldKeys } from './held-keys.ts'
import type { KeyGate } from './key-gate.ts'
import type { ReadyKeys } from './ready-keys.ts'
import { unlessCorrupt } from './unless-corrupt.ts'

/** A quorum answers in well under a second; a member that is gone is waited for no longer. */
const RELEASE_MS = 5_000
const RETRY_MS = 5_000

export interface ReadyReleasesInit {
  readonly me: PartyIndex
  readonly ready: ReadyKeys
  readonly held: Pick<HeldKeys, 'certificate'>
  readonly gate: KeyGate
  readonly clock: Pick<Clock, 'after'>
  readonly onError: (error: unknown) => void
}

/** Sees to it that a quorum holds the own ready keys before an account gets one (03 §6.1). */
export class ReadyReleases {
  readonly #init: ReadyReleasesInit
  #running = false
  #disarm: (() => void) | undefined
  #closed = false

  constructor(init: ReadyReleasesInit) {
    this.#init = init
  }

  /** At boot, after a batch and when peers came up; goes on until nothing waits. */
  resume(): void {
    this.#disarm?.()
    if (this.#running || this.#closed) return
    this.#running = true
    this.#releaseAll()
      .catch((error: unknown) => {
        if (!this.#closed) this.#init.onError(error)
      })
      .finally(() => {
        this.#running = false
      })
  }

  close(): void {
    this.#closed = true
    this.#disarm?.()
  }

  async #releaseAll(): Promise<void> {
    const { me, ready, held, gate, clock } = this.#init
    const waiting = ready.keysOf(me).filter((keyId) => !gate.isReleased(keyId))
    if (waiting.length === 0) return
    const certificates: KeyCertificate[] = []
    for (const keyId of waiting) {
      const certificate = await unlessCorrupt(held.certificate(keyId))
      if (certificate !== undefined) certificates.push(certificate) // any other key is of no use here
    }
    const released = await gate.release(certificates, RELEASE_MS)
    if (!released && !this.#closed) this.#disarm = clock.after(RETRY_MS, () => this.resume())
  }
}
