const MAX_BYTES: number = 8 << 20 // some thousand epochs of a small committee
const MAX_ASKING = 8 // questions to the guest at once, whoever they are for

type Ask = (e: number, signal: AbortSignal) => Promise<Uint8Array | null>

/**
 * Certificates of epochs, which never change: the guest is asked for each once, however many strangers want the chain.
 * `highest`: the newest epoch there may be; of later ones nobody is asked.
 */
export class CertCache {
  readonly #ask: Ask
  readonly #highest: () => number
  readonly #certs = new Map<number, Uint8Array>()
  readonly #asking = new Map<number, Promise<Uint8Array | null>>()
  #bytes = 0

  constructor(ask: Ask, highest: () => number) {
    this.#ask = ask
    this.#highest = highest
  }

  /** null: not known. Rejects with the signal's reason where the guest was not asked in time. */
  async get(e: number, signal: AbortSignal): Promise<Uint8Array | null> {
    if (e > this.#highest()) return null
    for (;;) {
      const kept = this.#certs.get(e) ?? this.#asking.get(e)
      if (kept !== undefined) return kept
      if (this.#asking.size < MAX_ASKING) break
      signal.throwIfAborted()
      await Promise.race(this.#asking.values()).catch(() => undefined) // told to who asked
    }
    const asked = this.#fetch(e, signal).finally(() => this.#asking.delete(e))
    this.#asking.set(e, asked)
    return asked
  }

  async #fetch(e: number, signal: AbortSignal): Promise<Uint8Array | null> {
    const cert = await this.#ask(e, signal)
    if (cert === null) return null
    this.#certs.set(e, cert)
    this.#bytes += cert.length
    for (const [oldest, { length }] of this.#certs) {
      if (this.#bytes <= MAX_BYTES) break
      this.#certs.delete(oldest)
      this.#bytes -= length
    }
    return cert
  }
}
