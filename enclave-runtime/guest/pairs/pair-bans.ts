import {
  bytesField,
  listField,
  objectFields,
  uintField,
} from '../../../protocols/agreement/fields.ts'
import { signedMessage, verifySigned } from '../../../protocols/agreement/signed-object.ts'
import { decodeCanonical, encodeCanonical } from '../../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import { type Committee, guestOf, otherGuests } from '../committee.ts'
import type { Tell } from '../events.ts'
import type { Records } from '../records.ts'
import type { Letter } from '../sessions/post.ts'
import type { SessionRouter } from '../sessions/session-router.ts'

const MAX_NOTICE_BYTES = 512 // an object of six small fields and a signature
const MAX_INDEX = 0xffff
const NO_SESSION = new Uint8Array(32) // a notice belongs to no session

interface Notice {
  /** The pair, smaller index first. */
  readonly pair: readonly [PartyIndex, PartyIndex]
  readonly signer: PartyIndex
}

export interface PairBansInit {
  readonly committee: Committee
  readonly records: Records
  readonly router: SessionRouter
  readonly tell: Tell
  /** Ends what uses the setup with this peer and wipes it, in one turn. */
  readonly retire: (peer: PartyIndex) => void
  /** Two other guests are banned from each other. */
  readonly onOthers: (pair: readonly [PartyIndex, PartyIndex]) => void
  readonly onError: (error: unknown) => void
}

/** Pairs of guests that may not multiply with each other again, whatever the key (02 §2.8). */
export class PairBans {
  readonly #init: PairBansInit
  readonly #banned = new Map<string, Uint8Array>() // pair → encoded notice; empty until it is signed
  readonly #own = new Map<PartyIndex, Promise<void>>()

  private constructor(init: PairBansInit) {
    this.#init = init
  }

  /** With every ban that was recorded before. A record that does not verify is a corrupt store. */
  static load(init: PairBansInit): PairBans {
    const bans = new PairBans(init)
    for (const name of init.records.criticalNames('ban/')) {
      const body = init.records.critical(name)
      const notice = body && readNotice(init.committee, body)
      if (body === undefined || notice === undefined)
        throw new Error(`bug: the sealed record ${name} is no ban of this network`)
      bans.#banned.set(keyOf(notice.pair), body)
    }
    init.router.on(MESSAGE_TYPES.banNotice, (from, letter) => {
      bans.#take(from, letter).catch(init.onError)
    })
    return bans
  }

  isBanned(a: PartyIndex, b: PartyIndex): boolean {
    return this.#banned.has(keyOf([a, b]))
  }

  /** The first banned pair among `signers`. */
  among(signers: readonly PartyIndex[]): readonly [PartyIndex, PartyIndex] | undefined {
    for (const a of signers)
      for (const b of signers) if (a < b && this.isBanned(a, b)) return [a, b]
    return undefined
  }

  get all(): readonly (readonly [PartyIndex, PartyIndex])[] {
    return Array.from(this.#banned.keys(), (key) => {
      const [a = 0, b = 0] = key.split('-').map(Number)
      return [a, b] as const
    })
  }

  /**
   * After a failed check against `peer`, in the order of 02 §2.8: marked in memory, its sessions ended
   * and the setup wiped before this function first waits; then durable; then told to all.
   */
  ban(peer: PartyIndex): Promise<void> {
    const running = this.#own.get(peer)
    if (running !== undefined) return running
    const { committee, tell, retire } = this.#init
    const pair = ordered(committee.me.index, peer)
    this.#banned.set(keyOf(pair), this.#banned.get(keyOf(pair)) ?? new Uint8Array())
    retire(peer)
    tell('PAIR_BANNED', peer)
    const durable = this.#record(pair)
    this.#own.set(peer, durable)
    return durable
  }

  /** Resolves when every ban so far is durable: nobody is told anything about a session before. */
  async settled(): Promise<void> {
    await Promise.all(this.#own.values())
  }

  /** A peer that was away hears of the bans it missed. */
  announce(to: PartyIndex): void {
    for (const body of this.#banned.values())
      if (body.length > 0) void this.#init.router.send(to, noticeLetter(body))
  }

  async #record(pair: readonly [PartyIndex, PartyIndex]): Promise<void> {
    const { committee, records } = this.#init
    const object = encodeCanonical(['ban', 1, committee.committeeId, ...pair, committee.me.index])
    const signature = records.sign(signedMessage('ban', committee.networkId, object))
    const body = encodeCanonical([object, signature])
    await records.write({ critical: new Map([[recordName(pair), body]]) })
    this.#banned.set(keyOf(pair), body)
    for (const { index } of otherGuests(committee))
      void this.#init.router.send(index, noticeLetter(body))
  }

  /** Counts only when its signer belongs to the pair; it closes the pair and proves nothing more. */
  async #take(_from: PartyIndex, { body }: Letter): Promise<void> {
    const { committee, records, retire, onOthers, tell } = this.#init
    const notice = readNotice(committee, body)
    if (notice === undefined) return
    const key = keyOf(notice.pair)
    if (this.#banned.has(key)) return
    this.#banned.set(key, body)
    const peer = notice.pair.find((party) => party !== committee.me.index) ?? notice.signer
    if (notice.pair.includes(committee.me.index)) retire(peer)
    else onOthers(notice.pair)
    tell('PAIR_BANNED', notice.signer)
    await records.write({ critical: new Map([[recordName(notice.pair), body]]) })
  }
}

function readNotice(committee: Committee, body: Uint8Array): Notice | undefined {
  try {
    const parts = listField(decodeCanonical(body, MAX_NOTICE_BYTES), 'ban notice', 2)
    const signature = bytesField(parts[1], 'signature', 64)
    const object = parts[0]
    if (!(object instanceof Uint8Array)) return undefined
    const fields = objectFields(decodeCanonical(object, MAX_NOTICE_BYTES), 'ban', 4)
    const committeeId = bytesField(fields[0], 'committeeId', 32)
    const [a = 0, b = 0, signer = 0] = fields.slice(1).map((f) => uintField(f, 'index', MAX_INDEX))
    const id = guestOf(committee, signer)?.id
    const known =
      a < b && guestOf(committee, a) !== undefined && guestOf(committee, b) !== undefined
    if (id === undefined || !known || (signer !== a && signer !== b)) return undefined
    if (!Buffer.from(committeeId).equals(committee.committeeId)) return undefined
    if (!verifySigned('ban', committee.networkId, object, id, signature)) return undefined
    return { pair: [a, b], signer }
  } catch (cause) {
    if (cause instanceof DecodeError) return undefined // not a notice: it changes nothing
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

const ordered = (a: PartyIndex, b: PartyIndex): readonly [PartyIndex, PartyIndex] =>
  a < b ? [a, b] : [b, a]

const keyOf = (pair: readonly [PartyIndex, PartyIndex]): string => ordered(...pair).join('-')

const recordName = (pair: readonly [PartyIndex, PartyIndex]): string => `ban/${keyOf(pair)}`
