import { bytesToHex } from '@noble/hashes/utils.js'
import { sameBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { MAX_JOINS_BYTES } from '../../../protocols/agreement/epoch/body.ts'
import type { Effect, Notice } from '../../../protocols/agreement/epoch/effects.ts'
import type { Event, TaskDone, TaskFailed } from '../../../protocols/agreement/epoch/events.ts'
import {
  changeOfSubject,
  genesisEpoch,
  isGenesis,
} from '../../../protocols/agreement/epoch/genesis-epoch.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { EpochMember } from '../../../protocols/agreement/epoch/machine.ts'
import { encodeMessage, recordListName } from '../../../protocols/agreement/epoch/message-codec.ts'
import type { Message } from '../../../protocols/agreement/epoch/messages.ts'
import type { Parts } from '../../../protocols/agreement/epoch/parts.ts'
import { type Change, type Families, put } from '../../../protocols/agreement/epoch/records.ts'
import type { Attempt, State } from '../../../protocols/agreement/epoch/state.ts'
import { committeeIdOf, decodeGenesis, networkIdOf } from '../../../protocols/agreement/genesis.ts'
import { FAULT_CODES } from '../../../protocols/agreement/objects/attempt.ts'
import type { EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import type { SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import { type EpochRecord, recordHash } from '../../../protocols/agreement/objects/record.ts'
import type { RootSig, Stamp } from '../../../protocols/agreement/objects/root-signatures.ts'
import { type Base, baseOfGenesis, baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import { brokenEpochCert } from '../../../protocols/agreement/rules/certificate-rules.ts'
import { needsOperators } from '../../../protocols/agreement/rules/change.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { CommitteeNotice, EpochStatus } from '../../port/committee-messages.ts'
import type { OperatorSettings } from '../../port/guest-settings.ts'
import { EXIT_CODES, endOf, GuestEnd } from '../exit-codes.ts'
import type { Clock } from '../sessions/clock.ts'
import { VaultError } from '../vault/vault-error.ts'
import { factsOf } from './attempt-facts.ts'
import { CommitteeRecords } from './committee-records.ts'
import type { CommitteeVault } from './committee-vault.ts'
import { knownGuests, viewOf, viewText } from './committee-view.ts'
import { statusOf } from './epoch-status.ts'
import type { Carrier, EpochWork, WorkEvents } from './epoch-work.ts'
import { guestParts } from './guest-parts.ts'
import { heldList } from './held-lists.ts'
import { Inbox } from './inbox.ts'
import { Letters } from './letters.ts'
import { ListExchange } from './list-exchange.ts'
import { opinionOf } from './opinion.ts'
import { Timers } from './timers.ts'

/** Notices that `alerts` shows. */
const MAX_ALERTS = 64
/** Defects after which the process ends: each costs what the machine has in memory. */
const MAX_DEFECTS = 5
/** In this time; and for so long nothing is heard of whoever's message brought one. */
const DEFECT_MS = 600_000
/** Before the keys of the base are asked for again, of another member. */
const FETCH_AGAIN_MS = 5_000

export interface EpochsInit {
  /** Encoded genesis file. */
  readonly genesis: Uint8Array
  readonly vault: CommitteeVault
  readonly carrier: Carrier
  readonly clock: Clock
  readonly random: Random
  readonly settings: OperatorSettings
  /** Of the bundle that runs here. */
  readonly measurement: Uint8Array
  /** The operator's signature under the yes to the genesis file that names this guest (03 §1.2); null where there is none. */
  readonly genesisAnswer: Uint8Array | null
  /** `holdfast rejoin` after exit 72 (03 §9.4). */
  readonly isRejoining: boolean
  /** The rooms that hold shares, given the way in which they answer. */
  work(events: WorkEvents): EpochWork
  /** The process must end; nothing is done after it. */
  onEnd(end: GuestEnd): void
  /** Something went wrong that costs one message, or what is in memory. */
  onDefect(error: unknown): void
}

export interface Alert {
  /** Unix ms. */
  readonly at: number
  readonly notice: CommitteeNotice
}

/**
 * The epoch protocol in a guest (03 §4): feeds the machine one event after another, and does what it asks for strictly
 * in its order: a write is durable before the next effect is begun. What a process needs to go on is in its records.
 */
export class Epochs implements WorkEvents {
  readonly #init: EpochsInit
  readonly #records: CommitteeRecords
  readonly #work: EpochWork
  readonly #parts: Parts
  readonly #genesis: Base
  readonly #me: string
  readonly #letters: Letters
  readonly #lists: ListExchange
  readonly #timers: Timers
  readonly #inbox: Inbox
  /** Before there is a machine. */
  readonly #firstBoot: Uint8Array
  /** Attempts that were begun here; false: it failed. */
  readonly #begun = new Map<string, boolean>()
  readonly #alerts: Alert[] = []
  readonly #defects: number[] = []
  #member: EpochMember | undefined
  #known: ReadonlySet<string> = new Set()
  #shown = ''
  #published = ''
  #stamp: Stamp | null = null
  #hasAnswered = false
  /** A guest that learns the next certificate begins anew. */
  #beginnings = 0
  #ended = false

  private constructor(init: EpochsInit, records: CommitteeRecords) {
    const { genesis, vault, carrier, clock, random, settings, measurement } = init
    const networkId = networkIdOf(genesis)
    const committeeId = committeeIdOf(networkId, 0)
    const { environment } = decodeGenesis(genesis)
    this.#init = init
    this.#records = records
    this.#genesis = baseOfGenesis(genesis)
    this.#me = bytesToHex(vault.guestSig)
    this.#firstBoot = random(16)
    this.#work = init.work(this)
    this.#parts = guestParts({
      networkId,
      committeeId,
      environment,
      vault,
      work: this.#work,
      random,
      settings,
      measurement,
    })
    this.#letters = new Letters({
      networkId,
      guestSig: vault.guestSig,
      sign: (message) => vault.sign(message),
      clock,
      post: (to, bytes) => carrier.letter(to, bytes),
      isKnown: (from) => this.#known.has(from),
    })
    this.#lists = new ListExchange({
      send: (to, bytes) => this.#letters.send(to, this.#boot, bytes),
      clock,
      held: (name) => this.#member && heldList(this.#member.state, name),
      stored: (name) => records.list(name),
      page: (name, first) => records.page(name, first),
    })
    this.#timers = new Timers(clock, (name) => void this.#give({ type: 'timer', name }))
    this.#inbox = new Inbox({
      letters: this.#letters,
      lists: this.#lists,
      clock,
      state: () => this.#member?.state,
      isKnown: (from) => this.#known.has(from),
      give: (from, boot, message) => this.#give({ type: 'message', from, boot, message }),
      onError: (error) => this.#fail(error),
    })
  }

  /** Reads what this guest remembers. Throws `VaultError` RECORD_CORRUPT. */
  static async open(init: EpochsInit): Promise<Epochs> {
    return new Epochs(init, await CommitteeRecords.load(init.vault))
  }

  /** Begins: epochs that live here are activated, attempts that run are opened, the others are asked what they have seen. */
  async start(): Promise<void> {
    try {
      await this.#begin()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A letter that the host brought. */
  receive(bytes: Uint8Array): void {
    if (!this.#ended) this.#inbox.receive(bytes)
  }

  /** Ends quietly: nothing rings, nothing is sent, nothing is written any more. */
  close(): void {
    this.#ended = true
    this.#timers.close()
    this.#lists.close()
  }

  /** What the machine knows; undefined while a newcomer has no keys of the base yet. For status and tests; nobody outside changes it. */
  get state(): Readonly<State> | undefined {
    return this.#member?.state
  }

  status(): EpochStatus | undefined {
    if (this.#member === undefined) return undefined
    const contributing = this.#member.contributors(this.#init.clock.unixMs())
    const { state } = this.#member
    return statusOf(state, this.#me, this.#parts.committeeId, this.#stamp, contributing)
  }

  /** The certificate of an epoch; undefined for one that is not known. */
  history(e: number): EpochCert | undefined {
    return this.state?.epochs.get(e)?.cert ?? this.#records.get('cert', [e])?.cert
  }

  /** Newest last. */
  get alerts(): readonly Alert[] {
    return this.#alerts
  }

  /** Letters that were not taken, by reason. */
  get dropped(): Readonly<Letters['dropped']> {
    return this.#letters.dropped
  }

  /** Whether the root key has signed the record of the epoch that serves (03 §4.1 S11). */
  get isRootSigned(): boolean {
    const e = this.state?.base.record.e
    return e !== undefined && this.#records.get('root', [e]) !== undefined
  }

  /** Hands an event of the operator to the machine; what it did, once all of it is done. */
  ask(event: Extract<Event, { type: 'propose' | 'operator-answer' }>): Promise<readonly Effect[]> {
    const bytes = event.type === 'propose' ? joinBytes(event.joins) : 0
    if (bytes <= MAX_JOINS_BYTES) return this.#give(event)
    const reasons = [`joins of ${bytes} bytes, where ${MAX_JOINS_BYTES} fit in one change`]
    return Promise.resolve([{ do: 'notice', notice: { about: 'refused', reasons } }])
  }

  /** The newest stamp of the committee, for what is published (03 §3.3). */
  stamped(stamp: Stamp): void {
    this.#stamp = stamp
    this.#tell()
  }

  /** The next certificate of the chain, for a guest that is no member: it verifies it, and goes on from there (03 §3.3). */
  async learn(cert: EpochCert): Promise<'next' | 'known' | 'refused' | 'fork'> {
    const base = this.#newest()
    const { e } = cert.record
    const mine = this.history(e)
    if (mine !== undefined) {
      if (sameBytes(recordHash(mine.record), recordHash(cert.record))) return 'known'
      const before = e === 0 ? this.#genesis : this.#baseOf(e - 1)
      return before !== undefined && brokenEpochCert(before, cert) === undefined
        ? 'fork'
        : 'refused'
    }
    const isMember = base.members.some(({ guestSig }) => bytesToHex(guestSig) === this.#me)
    if (isMember || brokenEpochCert(base, cert) !== undefined) return 'refused'
    const { k } = cert.record
    try {
      await this.#records.write([
        put('cert', [e], { cert, keys: null }),
        put('pointer', [], { e, k }),
      ])
      void this.start()
      return 'next'
    } catch (error) {
      this.#fail(error)
      return 'refused'
    }
  }

  taskDone(done: Omit<TaskDone, 'type'>): void {
    void this.#give({ type: 'task-done', ...done })
  }

  taskFailed(failed: Omit<TaskFailed, 'type'>): void {
    void this.#give({ type: 'task-failed', ...failed })
  }

  rootSigned(root: RootSig): void {
    void this.#give({ type: 'root-signed', root })
  }

  logClosed(e: number): void {
    void this.#give({ type: 'log-closed', e, open: [] })
  }

  keyProved(keyId: Uint8Array): void {
    void this.#give({ type: 'key-proved', keyId })
  }

  keyMade(key: HeldKey): void {
    void this.#give({ type: 'key-made', key })
  }

  // ---- one event after another ----

  readonly #queue: { event: Event; done: PromiseWithResolvers<readonly Effect[]> }[] = []
  #isWorking = false

  #give(event: Event): Promise<readonly Effect[]> {
    const done = Promise.withResolvers<readonly Effect[]>()
    if (this.#ended) done.resolve([])
    else {
      this.#queue.push({ event, done })
      void this.#drain()
    }
    return done.promise
  }

  async #drain(): Promise<void> {
    if (this.#isWorking || this.#member === undefined) return
    this.#isWorking = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const effects = this.#handle(next.event)
        for (const effect of effects) {
          if (this.#ended) return
          await this.#carryOut(effect)
        }
        next.done.resolve(effects)
        if (this.#ended) return
        this.#tell()
        this.#answerGenesis()
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#isWorking = false
    }
  }

  /** A defect costs what the machine has in memory: it may have changed half of it. Its records are whole. */
  #handle(event: Event): readonly Effect[] {
    try {
      return this.#member?.handle(event, this.#init.clock.unixMs()) ?? []
    } catch (error) {
      this.#init.onDefect(error)
      const now = this.#init.clock.monotonicMs()
      this.#defects.push(now)
      if (event.type === 'message') this.#inbox.suspend(event.from, now + DEFECT_MS)
      if (this.#defects.filter((at) => now - at < DEFECT_MS).length > MAX_DEFECTS) throw error
      this.#makeMember()
      return this.#handle({ type: 'boot' })
    }
  }

  async #carryOut(effect: Effect): Promise<void> {
    switch (effect.do) {
      case 'write':
        await this.#write(effect.batch)
        break
      case 'send':
        this.#send(effect.to, effect.message)
        break
      case 'timer':
        this.#timers.set(effect.name, effect.ms)
        break
      case 'reshare': {
        const { task } = effect
        const { e, k, epochId, kind } = task
        if (this.#begun.get(`${e}/${k}`) === true) this.#work.begin(task)
        else {
          const chunk = task.kind === 'chunk' ? task.chunk : 0
          this.taskFailed({ e, k, epochId, kind, chunk, code: FAULT_CODES.disk, about: 0 })
        }
        break
      }
      case 'drop-attempt':
        await this.#work.drop({ e: effect.e, k: effect.k })
        this.#begun.delete(`${effect.e}/${effect.k}`)
        break
      case 'destroy':
        await this.#work.destroy({ e: effect.e, k: effect.k })
        break
      case 'sign-root': {
        const k = this.state?.epochs.get(effect.e)?.record.k
        if (k !== undefined) this.#work.signRoot({ e: effect.e, k }, effect.recordHash)
        break
      }
      case 'close-log':
        this.#work.closeLog(effect.e)
        break
      case 'open-log':
        break
      case 'certify':
        this.#work.certify(effect.keyId)
        break
      case 'release':
        this.#work.release(effect.keyId)
        break
      case 'consult':
        this.#consult(effect.proposalHash)
        break
      case 'notice':
        this.#notice(effect.notice)
        break
      case 'exit':
        this.#end(new GuestEnd(EXIT_CODES.rollback, 'ROLLBACK'))
        break
    }
  }

  async #write(batch: readonly Change[]): Promise<void> {
    await this.#records.write(batch)
    if (this.#ended) return
    for (const { key, value } of batch) {
      const [family, , k] = key.split('/')
      if (family === 'cert' && batch.some((change) => change.key === 'pointer')) {
        const { record } = (value as Families['cert']).cert
        this.#work.activate({ e: record.e, k: record.k }, record)
      }
      const attempt = family === 'att' ? this.state?.attempts.get(Number(k)) : undefined
      if (attempt !== undefined && !attempt.isOverdue) await this.#attempt(attempt)
    }
  }

  async #attempt(attempt: Attempt): Promise<void> {
    const base = this.state?.base
    const name = `${attempt.e}/${attempt.k}`
    if (base === undefined || this.#begun.has(name)) return
    try {
      await this.#work.attempt(factsOf(base, attempt))
      this.#begun.set(name, true)
    } catch (error) {
      if (error instanceof VaultError) throw error
      this.#begun.set(name, false)
      this.#init.onDefect(error)
    }
  }

  #send(to: readonly string[], message: Message): void {
    let bytes: Uint8Array
    try {
      bytes = encodeMessage(message)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#init.onDefect(error) // nobody could read it: as if it were lost on the way
      return
    }
    for (const address of to) this.#letters.send(address, this.#boot, bytes)
  }

  get #boot(): Uint8Array {
    return this.#member?.state.bootId ?? this.#firstBoot
  }

  // ---- what operators and the host are told ----

  #consult(proposalHash: Uint8Array): void {
    const state = this.state
    const live = state?.proposals.get(bytesToHex(proposalHash))
    if (state === undefined || live === undefined || live.proposal === null) return
    const { proposal, joins } = live
    const change = changeOfSubject(state.base.base, live)
    this.#alert({ about: 'consult', proposalHash })
    this.#init.carrier.notice({
      about: 'consult',
      proposalHash,
      proposal,
      joins,
      needsOperator: needsOperators(state.base.base, change),
      opinion: opinionOf(change, this.#init.settings),
    })
  }

  #notice(notice: Notice): void {
    this.#alert(notice)
    this.#init.carrier.notice(notice)
  }

  #alert(notice: CommitteeNotice): void {
    this.#alerts.push({ at: this.#init.clock.unixMs(), notice })
    if (this.#alerts.length > MAX_ALERTS) this.#alerts.shift()
  }

  /** View and publication, where they are not what was told last. */
  #tell(): void {
    const state = this.state
    if (state === undefined || this.#ended) return
    this.#known = knownGuests(state)
    const view = viewOf(state, this.#me)
    const shown = viewText(view)
    if (shown !== this.#shown) this.#init.carrier.view(view)
    this.#shown = shown
    const { cert, hash, record } = state.base
    const rootSig = this.#records.get('root', [record.e])
    const stamp = this.#stamp
    if (cert === null || rootSig === undefined || stamp === null) return
    if (!sameBytes(stamp.recordHash, hash)) return
    const published = `${bytesToHex(hash)}/${stamp.validUntil}`
    if (published !== this.#published) this.#init.carrier.publish({ cert, rootSig, stamp })
    this.#published = published
  }

  /** Whoever was started with a genesis file that names it, and its operator's signature, has said yes (03 §1.2). */
  #answerGenesis(): void {
    const { genesisAnswer: operatorSig } = this.#init
    const state = this.state
    if (operatorSig === null || state === undefined || !isGenesis(state.base)) return
    if (state.standing !== 'member' || this.#hasAnswered) return
    this.#hasAnswered = true
    const { hash: proposalHash } = state.base
    void this.#give({ type: 'operator-answer', proposalHash, yes: true, operatorSig })
  }

  // ---- begin and end ----

  async #begin(): Promise<void> {
    const beginning = ++this.#beginnings
    this.#timers.close()
    this.#member = undefined
    if (!(await this.#haveKeys(() => this.#ended || beginning !== this.#beginnings))) return
    const { state } = this.#makeMember()
    for (const record of this.#living()) this.#work.activate({ e: record.e, k: record.k }, record)
    const now = this.#init.clock.unixMs()
    for (const attempt of state.attempts.values())
      if (attempt.ready !== null || attempt.deadlineAt > now) await this.#attempt(attempt)
    this.#tell()
    await this.#give({ type: 'boot' })
  }

  #makeMember(): EpochMember {
    const { isRejoining } = this.#init
    const known = [genesisEpoch(this.#genesis)]
    this.#timers.close()
    this.#member = new EpochMember(this.#parts, this.#records.values, { known, isRejoining })
    return this.#member
  }

  /** Epochs whose shares are here, in rising order, and the one that serves, whoever is in it. */
  #living(): readonly EpochRecord[] {
    const e = this.state?.base.record.e ?? -1
    return [...this.#records.values]
      .flatMap(([key, value]) =>
        key.startsWith('cert/') ? [(value as Families['cert']).cert] : [],
      )
      .map(({ record }) => record)
      .filter((record) => record.e === e || this.#isMine(record))
      .sort((a, b) => a.e - b.e)
  }

  #isMine({ e, members }: EpochRecord): boolean {
    const isMember = members.some(({ guestSig }) => bytesToHex(guestSig) === this.#me)
    return isMember && this.#records.get('erased', [e]) === undefined
  }

  /** A newcomer that learnt certificates fetches the keys of the last from its members. */
  async #haveKeys(isOver: () => boolean): Promise<boolean> {
    const e = Math.max(-1, ...this.#epochsOnDisk())
    const last = this.#records.get('cert', [e])
    if (last === undefined || last.keys !== null) return !isOver()
    const { record } = last.cert
    this.#known = new Set(record.members.map(({ guestSig }) => bytesToHex(guestSig)))
    for (const address of this.#known) {
      const [keys] = (await this.#lists.find([recordListName(record)], address)) ?? []
      if (isOver()) return false
      if (keys === undefined) continue
      await this.#records.write([put('cert', [e], { cert: last.cert, keys })])
      return !isOver()
    }
    this.#init.clock.after(FETCH_AGAIN_MS, () => void (isOver() || this.start()))
    return false
  }

  #epochsOnDisk(): number[] {
    return [...this.#records.values.keys()]
      .filter((key) => key.startsWith('cert/'))
      .map((key) => Number(key.slice('cert/'.length)))
  }

  /** What the next certificate of the chain is checked against. */
  #newest(): Base {
    return this.#baseOf(Math.max(-1, ...this.#epochsOnDisk())) ?? this.#genesis
  }

  #baseOf(e: number): Base | undefined {
    const known = this.#records.get('cert', [e])
    return known && baseOfRecord(known.cert.record)
  }

  /** A store that failed, or a defect that no restart of the machine heals: the process ends before anything follows. */
  #fail(error: unknown): void {
    this.#end(endOf(error) ?? new GuestEnd(1, 'DEFECT', { cause: error }))
  }

  #end(end: GuestEnd): void {
    if (this.#ended) return
    this.close()
    this.#init.onEnd(end)
  }
}

const joinBytes = (joins: readonly SignedJoin[]): number =>
  joins.reduce((sum, { objectBytes }) => sum + objectBytes.length, 0)
