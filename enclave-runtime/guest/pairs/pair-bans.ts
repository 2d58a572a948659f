import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { Tell } from '../events.ts'
import type { Records } from '../records.ts'
import type { Letter } from '../sessions/post.ts'
import {
  decodeStanding,
  encodeLifted,
  type IndexPair,
  keyOf,
  ordered,
  pairOfKey,
  recordName,
  type Standing,
  signNotice,
  verifiedNotice,
} from './ban-records.ts'
import { type BansOfRoom, RoomBans } from './room-bans.ts'

const NO_SESSION = new Uint8Array(32) // a notice belongs to no session

export interface PairBansInit {
  readonly records: Pick<Records, 'critical' | 'criticalNames' | 'write' | 'sign'>
  readonly tell: Tell
}

/**
 * Pairs of guests that may not multiply with each other again, whatever the key and the epoch (02 §2.8). Indices are
 * never reused, so a ban holds in every epoch until a record lifts it; that record lifts no ban of its own epoch.
 */
export class PairBans {
  readonly #init: PairBansInit
  readonly #standing = new Map<string, Standing>()
  readonly #rooms = new Set<BansOfRoom>()
  /** By pair and epoch. */
  readonly #own = new Map<string, Promise<void>>()

  /** With every ban that was recorded before. */
  constructor(init: PairBansInit) {
    this.#init = init
    for (const name of init.records.criticalNames('ban/')) {
      const body = init.records.critical(name)
      const standing = body && read(body)
      if (standing === undefined) throw new Error(`bug: the sealed record ${name} is no ban`)
      this.#standing.set(name.slice('ban/'.length), standing)
    }
  }

  /** The bans as they hold in one epoch. */
  join(room: BansOfRoom): RoomBans {
    this.#rooms.add(room)
    return new RoomBans(this, room)
  }

  leave(room: BansOfRoom): void {
    this.#rooms.delete(room)
  }

  holds(room: Pick<BansOfRoom, 'committee' | 'unban'>, pair: IndexPair): boolean {
    const {
      committee: { epoch },
      unban,
    } = room
    const standing = this.#standing.get(keyOf(...pair))
    if (standing === undefined) return false
    if (standing.kind === 'lifted') return epoch.e < standing.e
    const key = keyOf(...pair)
    return standing.e >= epoch.e || !unban.some((other) => keyOf(...other) === key)
  }

  all(room: BansOfRoom): readonly IndexPair[] {
    return Array.from(this.#standing.keys(), pairOfKey).filter((pair) => this.holds(room, pair))
  }

  /**
   * After a failed check against `peer`, in the order of 02 §2.8: marked in memory, its sessions ended
   * and the setups wiped before this function first waits; then durable; then told to all.
   */
  ban({ committee }: BansOfRoom, peer: PartyIndex): Promise<void> {
    const pair = ordered(committee.me.index, peer)
    const place = `${keyOf(...pair)}/${committee.epoch.e}`
    const running = this.#own.get(place)
    if (running !== undefined) return running
    const before = this.#standing.get(keyOf(...pair))
    const known = before?.kind === 'banned' ? before : undefined
    const e = Math.max(committee.epoch.e, known?.e ?? 0)
    this.#standing.set(keyOf(...pair), { kind: 'banned', e, body: known?.body ?? new Uint8Array() })
    for (const room of this.#rooms) if (this.holds(room, pair)) room.retire(peer)
    this.#init.tell('PAIR_BANNED', peer)
    const durable = this.#record(committee, pair, e)
    this.#own.set(place, durable)
    return durable
  }

  /** Resolves when every ban so far is durable: nobody is told anything about a session before. */
  async settled(): Promise<void> {
    await Promise.all(this.#own.values())
  }

  announce(send: (letter: Letter) => void): void {
    for (const standing of this.#standing.values())
      if (standing.kind === 'banned' && standing.body.length > 0) send(noticeLetter(standing.body))
  }

  /** Counts only when its signer belongs to the pair; it closes the pair and proves nothing more. */
  async take({ committee }: BansOfRoom, { body }: Letter): Promise<void> {
    const { records, tell } = this.#init
    const notice = verifiedNotice(committee, body)
    if (notice === undefined) return
    const { pair, e, signer } = notice
    const before = this.#standing.get(keyOf(...pair))
    if (before !== undefined && (before.kind === 'banned' ? before.e >= e : before.e > e)) return
    this.#standing.set(keyOf(...pair), { kind: 'banned', e, body })
    const me = committee.me.index
    const peer = pair.find((party) => party !== me) ?? signer
    for (const room of this.#rooms)
      if (!this.holds(room, pair)) continue
      else if (pair.includes(me)) room.retire(peer)
      else room.onOthers(pair)
    tell('PAIR_BANNED', signer)
    await records.write({ critical: new Map([[recordName(pair), body]]) })
  }

  /** An epoch serves whose record lifts these bans: notices of earlier epochs count no more (03 §4.1 S4). */
  async lift(e: number, pairs: readonly IndexPair[]): Promise<void> {
    const lifted = pairs.filter((pair) => {
      const standing = this.#standing.get(keyOf(...pair))
      return standing !== undefined && standing.e < e
    })
    if (lifted.length === 0) return
    for (const pair of lifted) this.#standing.set(keyOf(...pair), { kind: 'lifted', e })
    const body = encodeLifted(e)
    const changes = lifted.map((pair) => [recordName(pair), body] as const)
    await this.#init.records.write({ critical: new Map(changes) })
  }

  async #record(committee: BansOfRoom['committee'], pair: IndexPair, e: number): Promise<void> {
    const { records } = this.#init
    const body = signNotice(committee, pair, e, (message) => records.sign(message))
    await records.write({ critical: new Map([[recordName(pair), body]]) })
    this.#standing.set(keyOf(...pair), { kind: 'banned', e, body })
    for (const room of this.#rooms) room.tellAll(noticeLetter(body))
  }
}

function read(body: Uint8Array): Standing | undefined {
  try {
    return decodeStanding(body)
  } catch (cause) {
    if (cause instanceof DecodeError) return undefined
    throw cause
  }
}

const noticeLetter = (body: Uint8Array): Letter => ({
  session: NO_SESSION,
  attempt: 0,
  round: 0,
  type: MESSAGE_TYPES.banNotice,
  body,
})
