import type { Message } from '../../../protocols/agreement/epoch/messages.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'

/** How bad a network is. Probabilities from 0 to 1, times in ms. */
export interface Weather {
  readonly loss: number
  readonly twice: number
  readonly minMs: number
  readonly maxMs: number
  /** Probability that a letter takes up to 20 times as long. */
  readonly slow: number
}

export const CALM: Weather = { loss: 0, twice: 0, minMs: 2, maxMs: 40, slow: 0 }

export interface Letter {
  readonly from: string
  readonly boot: string
  readonly to: string
  readonly message: Message
}

/** Letters between addresses: lost, late, in another order, twice; a partition lets none across. */
export class Network {
  weather: Weather
  readonly #clock: Clock
  readonly #chance: Chance
  readonly #deliver: (letter: Letter) => void
  #sides: ReadonlyMap<string, number> | null = null

  constructor(clock: Clock, chance: Chance, weather: Weather, deliver: (letter: Letter) => void) {
    this.#clock = clock
    this.#chance = chance
    this.weather = weather
    this.#deliver = deliver
  }

  partition(sides: ReadonlyMap<string, number> | null): void {
    this.#sides = sides
  }

  get isWhole(): boolean {
    return this.#sides === null
  }

  connected(a: string, b: string): boolean {
    return this.#sides === null || this.#sides.get(a) === this.#sides.get(b)
  }

  send(letter: Letter): void {
    const { loss, twice } = this.weather
    if (this.#chance.happens(loss)) return
    this.#post(letter)
    if (this.#chance.happens(twice)) this.#post(letter)
  }

  #post(letter: Letter): void {
    const { minMs, maxMs, slow } = this.weather
    const delay = minMs + this.#chance.int(maxMs - minMs + 1)
    const ms = this.#chance.happens(slow) ? delay * (1 + this.#chance.int(20)) : delay
    this.#clock.after(ms, () => {
      if (this.connected(letter.from, letter.to)) this.#deliver(letter)
    })
  }
}
