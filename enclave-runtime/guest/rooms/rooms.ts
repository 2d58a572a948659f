import { DecodeError } from '../../../protocols/session/codec.ts'
import { decodeHeader, headerEpoch } from '../../../protocols/session/envelope.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Guest } from '../../../protocols/session/guest.ts'
import { inOrder } from '../../../protocols/session/guest.ts'
import type { Priority } from '../../port/messages.ts'
import { otherGuests } from '../committee.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { isSignerSet } from '../signing/signing-plan.ts'
import { EpochRoom } from './epoch-room.ts'
import type { GuestInit } from './guest-init.ts'
import { GuestState, type OpenRooms } from './guest-state.ts'
import type { RoomPlan } from './room-plan.ts'

/** Whether the activation of the epoch at this member is known: before it, it could not follow there. */
export type MayLeadWith = (party: PartyIndex) => boolean

export interface RoomStatus {
  readonly epoch: EpochName
  readonly isForming: boolean
  readonly isServing: boolean
  /** Peers with which there is a setup, and those with which there could be one. */
  readonly setups: { readonly ready: number; readonly of: number }
}

/** The rooms of the epochs that are open here: one that serves, perhaps one before it and one that is formed. */
export class Rooms {
  readonly #init: GuestInit
  /** In the order in which they were opened. */
  readonly #rooms = new Map<string, EpochRoom>()
  #state: GuestState | undefined
  #serving: EpochRoom | undefined
  #mayLeadWith: MayLeadWith = () => true
  #up: readonly PartyIndex[] = []
  #strays = 0

  constructor(init: GuestInit) {
    this.#init = init
  }

  /** Throws for an epoch whose room is open: a defect of the caller. */
  open(plan: RoomPlan): EpochRoom {
    const { epoch, me } = plan.committee
    if (this.#rooms.has(keyOf(epoch))) throw new Error(`bug: the room of ${keyOf(epoch)} is open`)
    this.#state ??= new GuestState(this.#init, this.#openRooms(me.index))
    if (this.#state.rooms.me !== me.index) throw new Error('bug: another index of this guest')
    const room = new EpochRoom(this.#state, plan)
    this.#rooms.set(keyOf(epoch), room)
    this.#meet()
    room.links(this.#up)
    return room
  }

  at(epoch: EpochName): EpochRoom | undefined {
    return this.#rooms.get(keyOf(epoch))
  }

  /** The room that takes requests; undefined before any epoch serves, and for a guest that left. */
  get serving(): EpochRoom | undefined {
    return this.#serving
  }

  get all(): readonly EpochRoom[] {
    return [...this.#rooms.values()]
  }

  /** What all rooms share; undefined before the first was opened. */
  get state(): GuestState | undefined {
    return this.#state
  }

  /**
   * Requests are led in this room from now on; those before it follow what others open there, until they are closed.
   * While a chosen signer may not serve the epoch yet, the room before leads with it.
   */
  serve(epoch: EpochName, mayLeadWith: MayLeadWith = () => true): void {
    const room = this.at(epoch)
    if (room === undefined) throw new Error(`bug: the room of ${keyOf(epoch)} is not open`)
    this.#mayLeadWith = mayLeadWith
    if (room === this.#serving) return
    this.#serving = room
    for (const other of this.#rooms.values())
      if (other !== room && !other.plan.isForming) other.retire()
    room.serve()
    const { bans } = this.#known
    bans.lift(epoch.e, room.plan.unban).catch((error: unknown) => this.#known.defect(error))
  }

  /**
   * The room in which these sign now: that of the epoch that serves, or, while one of them may not serve it yet, the
   * one before, as long as it is open: after that, whoever is behind says so. Undefined without any.
   */
  leading(signers: readonly PartyIndex[]): EpochRoom | undefined {
    const newest = this.#serving
    if (newest === undefined) return undefined
    const isIn = (room: EpochRoom) => isSignerSet(room.committee, signers)
    if (isIn(newest) && this.#allServe(newest, signers)) return newest
    const before = this.all.filter((room) => room !== newest && room.requests !== undefined)
    return before.findLast(isIn) ?? newest
  }

  /** The epoch is destroyed, or its attempt over. Of a room that is not open: nothing. */
  close(epoch: EpochName): void {
    const room = this.at(epoch)
    if (room === undefined) return
    this.#rooms.delete(keyOf(epoch))
    if (this.#serving === room) this.#serving = undefined
    room.close()
    this.#meet()
  }

  /** Parties whose hosts are connected now. */
  links(up: readonly PartyIndex[]): void {
    this.#up = up
    for (const room of this.all) room.links(up)
  }

  unsent(party: PartyIndex, priority: Priority): void {
    for (const room of this.all) room.unsent(party, priority)
  }

  /** An envelope that the host says came from `from`, to the room of its epoch; without one it is dropped and counted. */
  receive(from: PartyIndex, bytes: Uint8Array): void {
    const header = headerOf(bytes)
    // Of two attempts at one epoch the later is meant: the one before is over where that was begun.
    const room = this.all.findLast(({ name }) => headerEpoch(name.e) === header?.epoch)
    if (header === undefined || room === undefined) this.#strays += 1
    else room.post.receive(from, bytes, header)
  }

  /** Envelopes that were for no room, or none. */
  get strays(): number {
    return this.#strays
  }

  get status(): readonly RoomStatus[] {
    return this.all.map((room) => {
      const states = room.pairs.states()
      return {
        epoch: room.name,
        isForming: room.requests === undefined,
        isServing: room === this.#serving,
        setups: {
          ready: states.filter(({ state }) => state === 'ready').length,
          of: states.length,
        },
      }
    })
  }

  /** The end: nothing runs on, no setup stays. */
  end(): void {
    this.#state?.close()
    for (const { name } of this.all.toReversed()) this.close(name)
  }

  #allServe({ committee }: EpochRoom, signers: readonly PartyIndex[]): boolean {
    return signers.every((party) => party === committee.me.index || this.#mayLeadWith(party))
  }

  get #known(): GuestState {
    if (this.#state === undefined) throw new Error('bug: no room was opened')
    return this.#state
  }

  /** Whoever may have this guest take part in its work changes with the rooms. */
  #meet(): void {
    const peers = new Set(
      this.all.flatMap(({ committee }) => otherGuests(committee)).map(({ index }) => index),
    )
    this.#state?.background.meet([...peers].sort((a, b) => a - b))
  }

  #openRooms(me: PartyIndex): OpenRooms {
    const rooms = this
    return {
      me,
      get committees() {
        return rooms.all.map(({ committee }) => committee)
      },
      get guests() {
        return rooms.#guests
      },
      get threshold() {
        return Math.max(0, ...rooms.all.map(({ committee }) => committee.threshold))
      },
      get records() {
        const { serving } = rooms
        if (serving === undefined) throw new Error('bug: no epoch serves')
        return serving.records
      },
      heard: (accountId, nonce) => rooms.#heard(accountId, nonce),
    }
  }

  get #guests(): readonly Guest[] {
    const known = this.all.flatMap(({ committee }) => committee.guests)
    return inOrder([...new Map(known.map((guest) => [guest.index, guest])).values()])
  }

  #heard(accountId: Uint8Array, nonce: Uint8Array): Promise<void> | undefined {
    const settling = this.all.flatMap(({ requests }) => requests?.heard(accountId, nonce) ?? [])
    return settling.length === 0 ? undefined : Promise.all(settling).then(() => undefined)
  }
}

function headerOf(bytes: Uint8Array) {
  try {
    return decodeHeader(bytes)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return undefined
  }
}

const keyOf = ({ e, k }: EpochName): string => `${e}.${k}`
