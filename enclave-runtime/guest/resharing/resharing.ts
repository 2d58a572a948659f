import type { Task } from '../../../protocols/agreement/epoch/effects.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { FAULT_CODES, type FaultCode } from '../../../protocols/agreement/objects/attempt.ts'
import type { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import { committeeOfRecord, isMember } from '../committee.ts'
import type { AttemptFacts, EpochName, EpochWork, WorkEvents } from '../epochs/epoch-work.ts'
import { SetupFailed } from '../pairs/setup-failed.ts'
import type { RoomPlan } from '../rooms/room-plan.ts'
import type { Clock } from '../sessions/clock.ts'
import { type PlanContext, planOf } from './attempt-plan.ts'
import { AttemptWork, type ChunkEnd, type FormingRoom } from './attempt-work.ts'
import { ChunkStore, storedChunks, type WorkVault } from './chunk-store.ts'
import { pace } from './pace.ts'
import { durablePrekey } from './prekey.ts'
import { type RootKeyRecord, readRootKey } from './root-key-record.ts'

/** What epochs ask of a room. */
export interface WorkRoom extends FormingRoom {
  /** Resolves when each pair of this guest that is not banned has a setup. Rejects with `SetupFailed`, and with `ProtocolError` at the end of the room. */
  setUpPairs(): Promise<void>
  /** What others open is followed, and nothing is begun any more. */
  retire(): void
  /** Before the shares of this epoch are destroyed: what later epochs need of what lies beside them. Repeatable. */
  keepParts(): Promise<void>
}

export interface WorkRooms<R extends WorkRoom = WorkRoom> {
  open(plan: RoomPlan): R
  at(epoch: EpochName): R | undefined
  readonly serving: R | undefined
  serve(epoch: EpochName): void
  close(epoch: EpochName): void
}

/** What signs with the root key. */
export interface RootWork<R extends WorkRoom = WorkRoom> {
  /** The room of an epoch or of an attempt was opened: letters about the root key are taken there. */
  attend(room: R): void
  /** S7. Rejects with the signal's reason alone, or with a defect. */
  test(
    room: R,
    recordHash: Uint8Array,
    signal: AbortSignal,
  ): Promise<
    | { readonly passed: true }
    | { readonly passed: false; readonly code: FaultCode; readonly about: PartyIndex }
  >
  /** S11: 65 bytes, or undefined when it did not come about. */
  sign(room: R, recordHash: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
}

export interface ResharingInit<R extends WorkRoom = WorkRoom> {
  readonly context: Omit<PlanContext, 'setupsPerHour'>
  /** Of the epoch that serves, or of the genesis file. */
  readonly setupsPerHour: () => number
  readonly rooms: WorkRooms<R>
  readonly root: RootWork<R>
  readonly vault: WorkVault
  readonly kernel: Kernel
  readonly random: Random
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly events: WorkEvents
  /** A key under START's cut or in TAIL of that attempt. */
  readonly known: (epoch: EpochName, keyId: Uint8Array) => HeldKey | undefined
  /** Keys that are made in the epoch that serves (03 §6.1). */
  readonly keys: Pick<EpochWork, 'certify' | 'release'>
  readonly workedWith: EpochWork['workedWith']
  /** Whether requests are live. */
  readonly isSigning: () => boolean
  /** Why this guest could take part in no attempt now, for people. */
  readonly unfit: () => readonly string[]
  /** A defect, or a disk that takes no records: this guest cannot go on. */
  readonly onError: (error: unknown) => void
}

interface Attempt<R> {
  readonly facts: AttemptFacts
  readonly room: R
  readonly work: AttemptWork
  readonly over: AbortController
  /** Resolves when the epoch's key and prekey are durable, and what was stored before is checked. */
  readonly ready: Promise<void>
  prekey: Uint8Array | undefined
  readonly begun: Set<string>
  /** What this guest asked to be tested. */
  tested: Uint8Array | undefined
}

const NO_TRANSCRIPT = new Uint8Array(32)

/** New shares of all keys for an epoch to come, and the end of those of an epoch that was (03 §6, 04 §9). */
export class Resharing<R extends WorkRoom = WorkRoom> implements EpochWork {
  readonly #init: ResharingInit<R>
  readonly #breathe: ReturnType<typeof pace>
  readonly #attempts = new Map<string, Attempt<R>>()
  /** Records of the epochs that were activated here and are not destroyed. */
  readonly #records = new Map<string, EpochRecord>()

  constructor(init: ResharingInit<R>) {
    this.#init = init
    this.#breathe = pace(init.clock, init.isSigning)
  }

  async attempt(facts: AttemptFacts): Promise<void> {
    const known = this.#attempts.get(keyOf(facts.epoch))
    if (known !== undefined) return known.ready
    const { context, setupsPerHour, rooms, root, vault, kernel, random, clock, onError } =
      this.#init
    const { epoch } = facts
    const plan = planOf(facts, { ...context, setupsPerHour: setupsPerHour() })
    const room = rooms.at(epoch) ?? rooms.open(plan)
    root.attend(room)
    const work = new AttemptWork({
      ...{ facts, room, vault, kernel, random, clock, onError },
      breathe: this.#breathe,
      known: (keyId) => this.#init.known(epoch, keyId),
    })
    const attempt: Attempt<R> = {
      ...{ facts, room, work, over: new AbortController() },
      ready: this.#prepare(epoch, work),
      prekey: undefined,
      begun: new Set(),
      tested: undefined,
    }
    this.#attempts.set(keyOf(epoch), attempt)
    return attempt.ready
  }

  begin(task: Task): void {
    const attempt = this.#attempts.get(keyOf(task))
    if (attempt === undefined) throw new Error('bug: a task of no attempt')
    const name = task.kind === 'chunk' ? `chunk/${task.chunk}` : task.kind
    if (attempt.begun.has(name)) return
    attempt.begun.add(name)
    attempt.ready
      .then(() => this.#begin(attempt, task))
      .catch((error: unknown) => {
        if (attempt.over.signal.aborted) return
        this.#init.onError(error)
        this.#failed(attempt, task, FAULT_CODES.disk, 0)
      })
  }

  async drop(epoch: EpochName): Promise<void> {
    await this.#remove(epoch)
  }

  activate(epoch: EpochName, record: EpochRecord): void {
    const { context, rooms, root } = this.#init
    this.#records.set(keyOf(epoch), record)
    const committee = committeeOfRecord(record, context.guestSig, context)
    if (committee === undefined) {
      rooms.serving?.retire() // the machine drops the attempt that it is not in
      return
    }
    if (rooms.at(epoch) === undefined) {
      const channelMembers = record.members.map(({ index, guestEnc }) => ({ index, guestEnc }))
      root.attend(rooms.open({ committee, channelMembers, isForming: false, unban: record.unban }))
    }
    rooms.serve(epoch)
  }

  async destroy(epoch: EpochName): Promise<void> {
    await this.#init.rooms.at(epoch)?.keepParts()
    await this.#remove(epoch)
  }

  signRoot(epoch: EpochName, recordHash: Uint8Array): void {
    const { rooms, root, events, clock, onError } = this.#init
    const room = rooms.at(epoch)
    if (room === undefined) return
    const over = new AbortController()
    const disarm = clock.after(SIGN_ROOT_MS, () => over.abort())
    root
      .sign(room, recordHash, over.signal)
      .then((signature) => {
        if (signature !== undefined) events.rootSigned({ recordHash, signature })
      }, onError)
      .finally(disarm)
  }

  prekey(epoch: EpochName): Uint8Array {
    const prekey = this.#attempts.get(keyOf(epoch))?.prekey
    if (prekey === undefined) throw new Error('bug: a prekey before its attempt')
    return prekey
  }

  holdsShares(epoch: EpochName): boolean {
    const { count } = this.#storeOf(epoch)
    const record = this.#records.get(keyOf(epoch))
    return count > 0 && (record === undefined || count >= record.keyCount)
  }

  durableChunks(epoch: EpochName): ReadonlyMap<number, Uint8Array> {
    return this.#storeOf(epoch).done
  }

  workedWith(index: PartyIndex): boolean {
    return this.#init.workedWith(index)
  }

  reshared(epoch: EpochName, keys: readonly HeldKey[]): readonly HeldKey[] {
    const store = this.#attempts.get(keyOf(epoch))?.work.store
    return keys.map((key) => {
      const now = store?.key(key.keyId)
      if (now === undefined) throw new Error('bug: a key that this attempt has not')
      return now
    })
  }

  /** The root key of an epoch or attempt whose share is durable here. */
  rootKey(epoch: EpochName): RootKeyRecord | undefined {
    return readRootKey(this.#init.vault, epoch)
  }

  /** The hash of the record that the tests of the attempt with this epochId are about, as this guest computed it. */
  tested(epochId: Uint8Array): Uint8Array | undefined {
    for (const { facts, tested } of this.#attempts.values())
      if (Buffer.from(facts.epochId).equals(epochId)) return tested
    return undefined
  }

  certify(keyId: Uint8Array): void {
    this.#init.keys.certify(keyId)
  }

  release(keyId: Uint8Array): void {
    this.#init.keys.release(keyId)
  }

  /** There are no logs in this version. */
  closeLog(e: number): void {
    this.#init.events.logClosed(e)
  }

  unfit(): readonly string[] {
    return this.#init.unfit()
  }

  async #prepare(epoch: EpochName, work: AttemptWork): Promise<void> {
    const { vault, random } = this.#init
    if (!isMember(work.committee)) return // who leaves keeps nothing of it
    await vault.makeEpoch(epoch)
    const prekey = await durablePrekey(vault, epoch, random)
    await work.store.recheck()
    const attempt = this.#attempts.get(keyOf(epoch))
    if (attempt !== undefined) attempt.prekey = prekey
  }

  #begin(attempt: Attempt<R>, task: Task): Promise<void> | void {
    const ended = (end: ChunkEnd) => {
      if ('code' in end) this.#failed(attempt, task, end.code, end.about)
      else this.#done(attempt, task, end.transcript)
    }
    if (attempt.over.signal.aborted) return
    switch (task.kind) {
      case 'setups':
        return this.#setUp(attempt, task)
      case 'chunk':
        return attempt.work.chunk(task.chunk, task.keys, ended)
      case 'root':
        return attempt.work.root(ended)
      case 'tests':
        return this.#test(attempt, task)
    }
  }

  async #setUp(attempt: Attempt<R>, task: Task): Promise<void> {
    try {
      await attempt.room.setUpPairs()
      this.#done(attempt, task, NO_TRANSCRIPT)
    } catch (error) {
      if (error instanceof SetupFailed)
        this.#failed(attempt, task, FAULT_CODES.pairSetup, error.peer)
      else if (error instanceof ProtocolError) this.#failed(attempt, task, FAULT_CODES.pairSetup, 0)
      else throw error
    }
  }

  async #test(attempt: Attempt<R>, task: Extract<Task, { kind: 'tests' }>): Promise<void> {
    attempt.tested = task.recordHash
    const { signal } = attempt.over
    const tested = await this.#init.root.test(attempt.room, task.recordHash, signal)
    if (tested.passed) this.#done(attempt, task, NO_TRANSCRIPT)
    else this.#failed(attempt, task, tested.code, tested.about)
  }

  #done({ over }: Attempt<R>, task: Task, transcript: Uint8Array): void {
    if (!over.signal.aborted) this.#init.events.taskDone({ ...named(task), transcript })
  }

  #failed({ over }: Attempt<R>, task: Task, code: FaultCode, about: PartyIndex): void {
    if (!over.signal.aborted) this.#init.events.taskFailed({ ...named(task), code, about })
  }

  /** Everything of an attempt or epoch, whatever of it is here. */
  async #remove(epoch: EpochName): Promise<void> {
    const { rooms, vault } = this.#init
    const attempt = this.#attempts.get(keyOf(epoch))
    attempt?.over.abort()
    attempt?.work.close()
    this.#attempts.delete(keyOf(epoch))
    this.#records.delete(keyOf(epoch))
    rooms.close(epoch)
    await attempt?.ready.catch(() => undefined) // its writes end before its key does
    await vault.destroyEpoch(epoch)
    await ChunkStore.remove(vault, epoch)
  }

  #storeOf(epoch: EpochName): Pick<ChunkStore, 'count' | 'done'> {
    const known = this.#attempts.get(keyOf(epoch))?.work.store
    return known ?? storedChunks(this.#init.vault, epoch)
  }
}

/** How long one try of the root signature may take; then the machine asks again. */
const SIGN_ROOT_MS = 30_000

const named = (task: Task) => ({
  e: task.e,
  k: task.k,
  epochId: task.epochId,
  kind: task.kind,
  chunk: task.kind === 'chunk' ? task.chunk : 0,
})

const keyOf = ({ e, k }: EpochName): string => `${e}.${k}`
