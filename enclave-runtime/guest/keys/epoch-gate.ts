import { bytesToHex } from '@noble/hashes/utils.js'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import type { State } from '../../../protocols/agreement/epoch/state.ts'
import {
  encodeKeyCertificate,
  type KeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import { leafOf } from '../resharing/key-leaf.ts'
import type { Clock } from '../sessions/clock.ts'
import type { KeyGate } from './key-gate.ts'

/** Keys whose release is remembered: more than are made in one epoch and asked about again. */
const MAX_RELEASED = 65_536

/** What the gate asks of the machine of epochs. */
export interface GateEpochs {
  readonly state: Readonly<State> | undefined
  keyMade(key: HeldKey): void
}

/** New keys as the epoch protocol lets them pass (03 §6.1): a frozen member signs no K4, and an address waits for a quorum that holds its key. */
export class EpochGate implements KeyGate {
  readonly #clock: Pick<Clock, 'after'>
  readonly #epochs: () => GateEpochs | undefined
  readonly #released = new Set<string>()
  readonly #waiting = new Set<() => void>()

  constructor(clock: Pick<Clock, 'after'>, epochs: () => GateEpochs | undefined) {
    this.#clock = clock
    this.#epochs = epochs
  }

  mayCertify(): boolean {
    const state = this.#epochs()?.state
    if (state === undefined || state.quarantine !== null) return false
    return state.standing === 'member' && state.frozen === null
  }

  isReleased(keyId: Uint8Array): boolean {
    const id = bytesToHex(keyId)
    if (this.#released.has(id)) return true
    const isOfRecord = this.#epochs()?.state?.base.keys.some((key) => bytesToHex(key.keyId) === id)
    if (isOfRecord === true) this.#keep(id)
    return isOfRecord === true
  }

  async release(certificates: readonly KeyCertificate[], ms: number): Promise<boolean> {
    const isOver = () => certificates.every(({ keyId }) => this.isReleased(keyId))
    if (isOver()) return true
    for (const certificate of certificates) {
      if (this.isReleased(certificate.keyId)) continue
      const key = { ...leafOf(certificate), certificate: encodeKeyCertificate(certificate) }
      this.#epochs()?.keyMade(key)
    }
    const done = Promise.withResolvers<boolean>()
    const look = () => {
      if (isOver()) done.resolve(true)
    }
    this.#waiting.add(look)
    const disarm = this.#clock.after(ms, () => done.resolve(isOver()))
    try {
      return await done.promise
    } finally {
      disarm()
      this.#waiting.delete(look)
    }
  }

  /** A quorum holds it. */
  released(keyId: Uint8Array): void {
    this.#keep(bytesToHex(keyId))
    for (const look of [...this.#waiting]) look()
  }

  /** An epoch was decided: its record may name what is waited for. */
  changed(): void {
    for (const look of [...this.#waiting]) look()
  }

  #keep(id: string): void {
    this.#released.add(id)
    const [oldest] = this.#released
    if (this.#released.size > MAX_RELEASED && oldest !== undefined) this.#released.delete(oldest)
  }
}
