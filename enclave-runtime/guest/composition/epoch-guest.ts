import { bytesToHex } from '@noble/hashes/utils.js'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { isGenesis } from '../../../protocols/agreement/epoch/genesis-epoch.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { committeeIdOf, decodeGenesis, networkIdOf } from '../../../protocols/agreement/genesis.ts'
import type { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Carrier, EpochName } from '../epochs/epoch-work.ts'
import { Epochs } from '../epochs/epochs.ts'
import type { GuestEnd } from '../exit-codes.ts'
import { EpochGate } from '../keys/epoch-gate.ts'
import { Member } from '../member.ts'
import { Resharing, type WorkRooms } from '../resharing/resharing.ts'
import type { EpochRoom } from '../rooms/epoch-room.ts'
import type { GuestInit } from '../rooms/guest-init.ts'
import { RootKeyRooms } from '../root-key/root-key-rooms.ts'
import type { Vault } from '../vault/vault.ts'

/** Of what this guest says of a member that it works (03 §9.4). */
const WORKED_MS = 120_000
/** Who signed nothing with the others lately tries so often whether it could. */
const CANARY_EVERY_MS = 60_000
const CANARY_MS = 10_000

export interface EpochGuestInit extends Omit<GuestInit, 'records' | 'recordsOf' | 'gate'> {
  /** Encoded genesis file. */
  readonly genesis: Uint8Array
  readonly vault: Vault
  /** The vault as the rooms see it; absent: as it is. */
  readonly recordsOf?: GuestInit['recordsOf']
  readonly carrier: Carrier
  /** Of the bundle that runs here. */
  readonly measurement: Uint8Array
  /** The operator's signature under the yes to the genesis file; null where there is none. */
  readonly genesisAnswer: Uint8Array | null
  /** `holdfast rejoin` after exit 72 (03 §9.4). */
  readonly isRejoining: boolean
  /** The process must end; nothing is done after it. */
  readonly onEnd: (end: GuestEnd) => void
}

/** A guest whose committee changes: its rooms, the epoch protocol that opens and closes them, and what signs with the root key. */
export class EpochGuest {
  readonly member: Member
  readonly epochs: Epochs
  readonly root: RootKeyRooms

  readonly #clock: GuestInit['clock']
  readonly #over = new AbortController()
  #disarm: () => void = () => undefined

  private constructor(
    clock: GuestInit['clock'],
    member: Member,
    epochs: Epochs,
    root: RootKeyRooms,
  ) {
    this.#clock = clock
    this.member = member
    this.epochs = epochs
    this.root = root
  }

  /** Reads what this guest remembers; `start` begins. Throws `VaultError` RECORD_CORRUPT. */
  static async open(init: EpochGuestInit): Promise<EpochGuest> {
    const { genesis, vault, carrier, clock, kernel, random, settings, measurement } = init
    const networkId = networkIdOf(genesis)
    const { environment, params } = decodeGenesis(genesis)
    let epochs: Epochs | undefined
    const gate = new EpochGate(clock, () => epochs)
    const recordsOf = init.recordsOf ?? ((epoch) => vault.inEpoch(epoch))
    const isShown = () => {
      const newest = newestOf(epochs)
      return newest !== undefined && root.stampOf(newest) !== null && epochs?.isRootSigned === true
    }
    const isCurrent = () => epochs?.state?.standing === 'member'
    const member = new Member({ ...init, records: vault, recordsOf, gate, isCurrent, isShown })
    const { rooms } = member
    const known = new KnownKeys(() => epochs)
    const root = new RootKeyRooms({
      rooms,
      view: {
        unixMs: () => clock.unixMs(),
        tested: (epochId) => resharing?.tested(epochId),
        decided: (epochId) => decidedOf(epochs, epochId),
        newest: () => newestOf(epochs),
        isReady: () => isReady(epochs),
      },
      rootKey: (epoch) => resharing?.rootKey(epoch),
      kept: (stamp) => epochs?.stamped(stamp),
    })
    let resharing: Resharing<EpochRoom> | undefined
    epochs = await Epochs.open({
      ...{ genesis, vault, carrier, clock, random, measurement },
      settings: settings.operator,
      genesisAnswer: init.genesisAnswer,
      isRejoining: init.isRejoining,
      work: (events) => {
        resharing = new Resharing<EpochRoom>({
          context: {
            ...{ networkId, committeeId: committeeIdOf(networkId, 0) },
            development: environment === 'development',
            guestSig: vault.guestSig,
          },
          setupsPerHour: () => newestOf(epochs)?.params.setupsPerHour ?? params.setupsPerHour,
          rooms: servingWith(rooms, (epoch) => {
            rooms.serve(epoch, (party) => isActive(epochs, party))
            learn(rooms.serving, epochs, networkId)
            gate.changed()
            root.considerStamp()
          }),
          ...{ root, vault, kernel, random, clock, events },
          known: (epoch, keyId) => known.of(epoch, keyId),
          keys: { certify: () => undefined, release: (keyId) => gate.released(keyId) },
          workedWith: (index) => rooms.all.some((room) => room.router.workedWith(index, WORKED_MS)),
          isSigning: () => rooms.state?.background.isLive ?? false,
          unfit: () => (rooms.state?.isHalted === true ? ['this guest is halted'] : []),
          onError: (error) => init.onDefect(error),
        })
        return resharing
      },
      onEnd: init.onEnd,
      onDefect: init.onDefect,
    })
    return new EpochGuest(clock, member, epochs, root)
  }

  start(): Promise<void> {
    this.#disarm = this.#clock.after(CANARY_EVERY_MS, () => this.#tryOut())
    return this.epochs.start()
  }

  /** The end: nothing runs on, no setup stays. */
  close(): void {
    this.#disarm()
    this.#over.abort()
    this.epochs.close()
    this.root.close()
    this.member.close()
  }

  /** A signature that says nothing, where none was made with some peer lately. */
  #tryOut(): void {
    if (this.#over.signal.aborted) return
    this.#disarm = this.#clock.after(CANARY_EVERY_MS, () => this.#tryOut())
    const { serving } = this.member.rooms
    const ready = serving?.pairs.states().filter(({ state }) => state === 'ready') ?? []
    const isIdle = ready.some(({ party }) => serving?.router.workedWith(party, WORKED_MS) !== true)
    if (serving?.requests === undefined || !isIdle) return
    const limit = new AbortController()
    const disarm = this.#clock.after(CANARY_MS, () => limit.abort())
    this.root
      .canary(AbortSignal.any([limit.signal, this.#over.signal]))
      .catch((error: unknown) => this.member.rooms.state?.defect(error))
      .finally(disarm)
  }
}

function servingWith(
  rooms: Member['rooms'],
  serve: (epoch: EpochName) => void,
): WorkRooms<EpochRoom> {
  return {
    open: (plan) => rooms.open(plan),
    at: (epoch) => rooms.at(epoch),
    get serving() {
      return rooms.serving
    },
    serve,
    close: (epoch) => rooms.close(epoch),
  }
}

/** Who was no member of the epoch before asks the others for what they know: accounts and ready keys. */
function learn(
  room: EpochRoom | undefined,
  epochs: Epochs | undefined,
  networkId: Uint8Array,
): void {
  const state = epochs?.state
  if (room?.requests === undefined || state === undefined) return
  const { me, epoch } = room.committee
  const before = state.epochs.get(epoch.e - 1)?.record
  const isNew = epoch.e > 0 && before?.members.some(({ index }) => index === me.index) !== true
  if (!isNew) return
  room.requests.learn((epochId) => {
    const made = decidedOf(epochs, epochId)
    if (made === undefined) return undefined
    const { committeeId, members, t } = made
    const { q: quorum } = quorums(members.length, t)
    return { networkId, committeeId, epochId, members, quorum }
  })
}

/** Whether ACTIVE of this party is known for the epoch that serves; of one whose predecessor is gone everybody's is. */
function isActive(epochs: Epochs | undefined, party: PartyIndex): boolean {
  const state = epochs?.state
  if (state === undefined) return false
  const ending = [...state.endings.values()].find(
    ({ next }) => next.record.e === state.base.record.e,
  )
  return ending === undefined || ending.actives.has(party)
}

function newestOf(epochs: Epochs | undefined): EpochRecord | undefined {
  const base = epochs?.state?.base
  return base === undefined || isGenesis(base) ? undefined : base.record
}

function decidedOf(epochs: Epochs | undefined, epochId: Uint8Array): EpochRecord | undefined {
  for (const epoch of epochs?.state?.epochs.values() ?? [])
    if (!isGenesis(epoch) && sameBytes(epoch.record.epochId, epochId)) return epoch.record
  return undefined
}

/** *ready* of 03 §9.4, as far as this guest sees it. */
function isReady(epochs: Epochs | undefined): boolean {
  const state = epochs?.state
  return state !== undefined && state.standing === 'member' && state.quarantine === null
}

/** Keys that an attempt at an epoch is about, by id. */
class KnownKeys {
  readonly #epochs: () => Epochs | undefined
  readonly #lists = new WeakMap<readonly HeldKey[], ReadonlyMap<string, HeldKey>>()

  constructor(epochs: () => Epochs | undefined) {
    this.#epochs = epochs
  }

  of({ e, k }: EpochName, keyId: Uint8Array): HeldKey | undefined {
    const attempt = this.#epochs()?.state?.attempts.get(k)
    if (attempt === undefined || attempt.e !== e) return undefined
    const id = bytesToHex(keyId)
    const tail = attempt.tail && this.#listOf(attempt.tail.keys).get(id)
    return this.#listOf(attempt.started.cut).get(id) ?? tail ?? undefined
  }

  #listOf(keys: readonly HeldKey[]): ReadonlyMap<string, HeldKey> {
    const known = this.#lists.get(keys)
    if (known !== undefined) return known
    const made = new Map(keys.map((key) => [bytesToHex(key.keyId), key] as const))
    this.#lists.set(keys, made)
    return made
  }
}
