import { RequestError } from '../../protocols/request/errors.ts'
import type { PartyIndex } from '../../protocols/session/faults.ts'
import type {
  CheckReply,
  GuestStatus,
  LeadOffer,
  LeadPlan,
  LeadReply,
  Priority,
} from '../port/messages.ts'
import { Timeline } from './requests/timeline.ts'
import type { EpochRoom } from './rooms/epoch-room.ts'
import type { GuestInit } from './rooms/guest-init.ts'
import type { RequestRoom } from './rooms/request-room.ts'
import { Rooms } from './rooms/rooms.ts'
import { failed, refusal } from './sessions/lead-reply.ts'

/** A guest as a member of its committee: everything behind the port but the port itself. */
export class Member {
  readonly rooms: Rooms
  readonly #init: GuestInit

  constructor(init: GuestInit) {
    this.#init = init
    this.rooms = new Rooms(init)
  }

  /**
   * What stands in a request, verified here; nothing is begun but what an offer allows. `request` = bytes of a plain
   * request.
   */
  async check(request: Uint8Array, offer?: LeadOffer): Promise<CheckReply> {
    try {
      const { serving } = this.rooms
      const mayLead = (signers: readonly PartyIndex[]): boolean =>
        this.rooms.state?.isHalted !== true && this.rooms.leading(signers) === serving
      const asked = offer && { ...offer, mayLead }
      return await this.#requests(serving).check(request, this.#timeline(), asked)
    } catch (error) {
      return this.#refused(error)
    }
  }

  /** One attempt led by this guest, which verifies the request again. */
  async lead(request: Uint8Array, plan: LeadPlan): Promise<LeadReply> {
    if (this.rooms.state?.isHalted === true) return failed('kernel')
    try {
      const room = this.rooms.leading(plan.signers)
      return await this.#requests(room).lead(request, plan, this.#timeline())
    } catch (error) {
      return this.#refused(error)
    }
  }

  /** Parties whose hosts are connected now. */
  links(up: readonly PartyIndex[]): void {
    this.rooms.links(up)
  }

  /** The host could not carry an envelope to the party: what ran over it has lost a message and ends. */
  unsent(party: PartyIndex, priority: Priority): void {
    this.rooms.unsent(party, priority)
  }

  status(): GuestStatus {
    const { kernel, bootId } = this.#init
    const room = this.rooms.serving ?? this.rooms.all.at(-1)
    const nothing = { active: 0, pending: 0, ready: 0 }
    const pairs = room?.pairs.states() ?? []
    const ready = pairs.filter(({ state }) => state === 'ready').length
    const isHalted = this.rooms.state?.isHalted ?? false
    const threshold = room?.requests === undefined ? undefined : room.committee.threshold
    return {
      index: room?.committee.me.index ?? null,
      pairs,
      bans: room?.bans.all ?? [],
      ...(room?.requests?.status ?? { keys: nothing, presignatures: { own: 0, held: 0 } }),
      correlations: room?.correlations.status ?? NO_CORRELATIONS,
      loopDelayMs: this.#init.loopDelayMs?.() ?? 0,
      held: kernel.held,
      bootId,
      ready: !isHalted && this.#isKnown(room) && threshold !== undefined && ready >= threshold - 1,
    }
  }

  /** The end: nothing runs on, no setup stays. */
  close(): void {
    this.rooms.end()
  }

  /** Throws `RequestError` before any epoch serves. */
  #requests(room: EpochRoom | undefined = this.rooms.serving): RequestRoom {
    if (room?.requests === undefined) throw new RequestError('NOT_YET', 'no epoch serves here')
    return room.requests
  }

  /** Before this guest knows what it missed it signs nothing; before the first epoch is shown to clients, nobody can use what is made in it. */
  #isKnown(room: EpochRoom | undefined): boolean {
    if (this.#init.isCurrent?.() === false) return false
    return room === undefined || room.committee.epoch.e > 0 || this.#init.isShown?.() !== false
  }

  #timeline(): Timeline {
    return new Timeline(() => this.#init.clock.monotonicMs(), 'open')
  }

  #refused(error: unknown): ReturnType<typeof refusal> {
    if (error instanceof RequestError) return refusal(error)
    this.rooms.state?.defect(error)
    return refusal(new RequestError('INTERNAL_ERROR'))
  }
}

const NO_CORRELATIONS = { pools: [], batches: 0, unknown: 0, aborted: 0 } as const
