import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { Channels } from '../../../enclave-runtime/guest/channels.ts'
import { nodeSuite, rawPublicKey } from '../../../enclave-runtime/guest/noise-suite.ts'
import type { EnvelopeMessage } from '../../../protocols/session/envelope.ts'
import type { NoiseKeyPair } from '../../../protocols/session/noise-kk.ts'

export interface Letter {
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array
}
export type Fate = (letter: Letter) => readonly Letter[] | 'UNREACHABLE' | 'OVERLOADED'

/** Time that the test turns. */
export class Clock {
  #now = 1_000_000
  #bells: { at: number; run: () => void }[] = []

  readonly now = (): number => this.#now

  readonly after = (ms: number, run: () => void): (() => void) => {
    const bell = { at: this.#now + ms, run }
    this.#bells.push(bell)
    return () => {
      this.#bells = this.#bells.filter((other) => other !== bell)
    }
  }

  /** Rings what is due, in order. */
  turn(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = this.#bells.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#bells = this.#bells.filter((bell) => bell !== due)
      this.#now = due.at
      due.run()
    }
    this.#now = end
  }

  get bells(): number {
    return this.#bells.length
  }
}

/** What one guest was told. */
export class Heard {
  readonly bodies: string[] = []
  readonly restarts: number[] = []
  readonly malformed: number[] = []
}

const ids = new Map<string, NoiseKeyPair<KeyObject>>()
export const keyOf = (name: string): NoiseKeyPair<KeyObject> => {
  const known = ids.get(name)
  if (known !== undefined) return known
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  const made = { privateKey, publicKey: rawPublicKey(publicKey) }
  ids.set(name, made)
  return made
}

/** Guests whose hosts carry letters at once, as `fate` says. */
export class TestNetwork {
  readonly clock: Clock = new Clock()
  readonly guests: Map<number, { channels: Channels<KeyObject>; heard: Heard }> = new Map()
  /** Everything that hosts were asked to carry. */
  readonly letters: Letter[] = []
  fate: Fate = (letter) => [letter]
  /** Whether hosts have room, as they nearly always do. */
  takesAtOnce = false
  /** When a host that has none says that it took a letter. */
  whenTaken: (carried: Promise<void>) => Promise<void> = (carried) => carried
  #boots = 0

  /** Starts a guest, or starts it anew. */
  start(
    me: number,
    more: {
      e?: number
      epochId?: Uint8Array
      networkId?: Uint8Array
      keys?: string
      rekeyMessages?: number
    } = {},
  ): Heard {
    this.guests.get(me)?.channels.close()
    const heard = new Heard()
    const channels = new Channels<KeyObject>(
      {
        me,
        identity: keyOf(more.keys ?? `guest ${me}`),
        members: [1, 2, 3].map((index) => ({ index, guestEnc: keyOf(`guest ${index}`).publicKey })),
        networkId: more.networkId ?? new Uint8Array(32).fill(1),
        committeeId: new Uint8Array(32).fill(2),
        e: more.e ?? 0,
        epochId: more.epochId ?? new Uint8Array(32).fill(3),
        ...(more.rekeyMessages && { rekeyMessages: more.rekeyMessages }),
        bootId: new Uint8Array(16).fill(++this.#boots),
      },
      {
        suite: nodeSuite,
        unixMs: this.clock.now,
        monotonicMs: this.clock.now,
        after: this.clock.after,
        vaultSeq: () => 5,
        transmit: (to, bytes) => {
          const carried = this.#carried({ from: me, to, bytes })
          return this.takesAtOnce ? undefined : this.whenTaken(carried)
        },
      },
    )
    channels.onMessage((from, { body }) => {
      heard.bodies.push(`${from}: ${Buffer.from(body).toString()}`)
    })
    channels.onRestarted((peer) => heard.restarts.push(peer))
    channels.onMalformed((peer) => heard.malformed.push(peer))
    this.guests.set(me, { channels, heard })
    return heard
  }

  of(me: number): Channels<KeyObject> {
    const guest = this.guests.get(me)
    if (guest === undefined) throw new Error(`bug: no guest ${me}`)
    return guest.channels
  }

  carry(letter: Letter): void {
    this.letters.push(letter)
    const carried = this.fate(letter)
    if (typeof carried === 'string') throw Object.assign(new Error(carried), { code: carried })
    for (const each of carried) this.deliver(each)
  }

  async #carried(letter: Letter): Promise<void> {
    this.carry(letter)
  }

  /** Each letter arrives in a turn of its own, as over a network. */
  deliver({ from, to, bytes }: Letter): void {
    queueMicrotask(() => this.guests.get(to)?.channels.receive(from, bytes.slice()))
  }

  send(from: number, to: number, text: string, signal?: AbortSignal): Promise<void> {
    return this.of(from).send(to, saying(text), signal ?? new AbortController().signal)
  }
}

export const saying = (text: string): EnvelopeMessage => ({
  session: new Uint8Array(32).fill(8),
  attempt: 0,
  round: 0x0801,
  type: 1,
  body: new Uint8Array(Buffer.from(text)),
})

/** Until nothing moves any more without the clock. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
