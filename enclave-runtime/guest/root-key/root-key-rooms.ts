import type { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import type { Stamp } from '../../../protocols/agreement/objects/root-signatures.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { EpochName } from '../epochs/epoch-work.ts'
import { shareName } from '../keys/pending-batch.ts'
import type { RootWork } from '../resharing/resharing.ts'
import type { EpochRoom } from '../rooms/epoch-room.ts'
import type { GuestState } from '../rooms/guest-state.ts'
import type { Rooms } from '../rooms/rooms.ts'
import type { RootView } from './domains.ts'
import { leadWithAny } from './lead-with-any.ts'
import { NotSigned } from './not-signed.ts'
import { RootDesk, tellStamp } from './root-desk.ts'
import { ROOT } from './root-opening.ts'
import type { RootKey, RootRoom } from './root-room.ts'
import { RootSigner } from './root-signer.ts'
import { STAMPED } from './stamp-letter.ts'
import { Stamps } from './stamps.ts'
import type { Tested } from './subset-tests.ts'
import { TESTED, TESTED_ASK } from './test-letters.ts'

/** Sets of signers that one call tries, each without those that were named before it. */
const TRIES = 3
const NONCE_BYTES = 32

export interface RootKeyRoomsInit {
  readonly rooms: Pick<Rooms, 'serving' | 'state'>
  readonly view: Omit<RootView, 'lastStampMs'>
  /** The root key of an epoch, or of an attempt at one, whose share is durable here. */
  readonly rootKey: (epoch: EpochName) => RootKey | undefined
  /** A newer stamp is durable here: it goes to strangers. */
  readonly kept: (stamp: Stamp) => void
}

/** What is made once, with the first room. */
interface Shared {
  readonly state: GuestState
  readonly signer: RootSigner
  readonly stamps: Stamps
}

interface Attended {
  readonly room: RootRoom
  readonly desk: RootDesk
}

/** The root key in the rooms of this guest's epochs: tests of attempts, the signature over a new epoch, stamps, canaries. */
export class RootKeyRooms implements RootWork<EpochRoom> {
  readonly #init: RootKeyRoomsInit
  readonly #attended = new WeakMap<EpochRoom, Attended>()
  #shared: Shared | undefined

  constructor(init: RootKeyRoomsInit) {
    this.#init = init
  }

  /** The room of an epoch or of an attempt was opened: letters about the root key are taken there. Idempotent. */
  attend(room: EpochRoom): void {
    if (this.#attended.has(room)) return
    const { signer, stamps, state } = this.#sharedParts()
    const adapted = this.#adapted(room)
    const onError = (error: unknown): void => state.defect(error)
    const { clock } = state.init
    const desk = new RootDesk({ room: adapted, signer, stamps, clock, onError })
    this.#attended.set(room, { room: adapted, desk })
    for (const name of [ROOT, TESTED, TESTED_ASK, STAMPED])
      room.on(name, (from, letter) => void desk.take(from, letter))
  }

  /** S7 of an attempt (03 §4.1). Rejects with the signal's reason alone, or with a defect. */
  test(room: EpochRoom, recordHash: Uint8Array, signal: AbortSignal): Promise<Tested> {
    return this.#of(room).desk.tests.run(recordHash, signal)
  }

  /** S11: 65 bytes under `epoch-active`, led here; undefined when it did not come about. */
  async sign(
    room: EpochRoom,
    recordHash: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const { signer, stamps } = this.#sharedParts()
    const statement = { domain: 'epoch-active', fields: { recordHash } } as const
    const how = { tries: TRIES, signal }
    const leading = leadWithAny(signer, this.#of(room).room, statement, readyPeers(room), how)
    const signature = await unlessNotSigned(leading)
    if (signature !== undefined) stamps.consider()
    return signature
  }

  /** Whether a signature that says nothing came about now, led here with ready members (03 §9.4). */
  async canary(signal: AbortSignal): Promise<boolean> {
    const room = this.#init.rooms.serving
    if (room === undefined) return false
    const { signer, state } = this.#sharedParts()
    const statement = {
      domain: 'canary',
      fields: { nonce: state.init.random(NONCE_BYTES) },
    } as const
    const how = { tries: TRIES, signal }
    const leading = leadWithAny(signer, this.#of(room).room, statement, readyPeers(room), how)
    return (await unlessNotSigned(leading)) !== undefined
  }

  /** A stamp may be due: looked for by itself after the root key signed an epoch, and every minute. */
  considerStamp(): void {
    this.#shared?.stamps.consider()
  }

  /** The last stamp of this record, living or not; null if there is none. */
  stampOf(record: EpochRecord): Stamp | null {
    return this.#shared?.stamps.of(record) ?? null
  }

  close(): void {
    this.#shared?.stamps.close()
  }

  #of(room: EpochRoom): Attended {
    const attended = this.#attended.get(room)
    if (attended === undefined) throw new Error('bug: a room that is not attended')
    return attended
  }

  #sharedParts(): Shared {
    if (this.#shared !== undefined) return this.#shared
    const { rooms, view: given, kept } = this.#init
    const { state } = rooms
    if (state === undefined) throw new Error('bug: before any room is open')
    const { kernel, random, clock, records } = state.init
    const view: RootView = { ...given, lastStampMs: () => stamps.lastMs }
    const { choices, conversations } = state
    const signer = new RootSigner({ kernel, random, choices, view, converse: conversations.sign })
    const stamps = new Stamps({
      signer,
      view: given,
      room: () => {
        const { serving } = rooms
        return serving && this.#attended.get(serving)?.room
      },
      ready: () => (rooms.serving === undefined ? [] : readyPeers(rooms.serving)),
      records,
      clock,
      kept,
      made: tellStamp,
      onError: (error) => state.defect(error),
    })
    this.#shared = { state, signer, stamps }
    stamps.consider()
    return this.#shared
  }

  #adapted(room: EpochRoom): RootRoom {
    const { committee, router, answers, followers, pairs, bans } = room
    return {
      committee,
      rootKey: () => this.#init.rootKey(room.name),
      share: (keyId) => room.records.loadShare(shareName(keyId)),
      ...{ router, answers, followers, pairs, bans },
    }
  }
}

/** Peers with which there is a setup: whether they are ready, each says itself. */
const readyPeers = ({ pairs }: EpochRoom): PartyIndex[] =>
  pairs
    .states()
    .filter(({ state }) => state === 'ready')
    .map(({ party }) => party)

async function unlessNotSigned(leading: Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return await leading
  } catch (error) {
    if (error instanceof NotSigned) return undefined
    throw error
  }
}
