import { produceCorrelations } from '../../../protocols/correlations/produce.ts'
import { CHOICE_SLOTS } from '../../../protocols/kernel/kernel.ts'
import { generateKeys } from '../../../protocols/keygen/generate-keys.ts'
import { setUpPair } from '../../../protocols/pair-setup/set-up-pair.ts'
import type { Fault, PartyIndex } from '../../../protocols/session/faults.ts'
import type { Guest } from '../../../protocols/session/guest.ts'
import { sign } from '../../../protocols/sign/sign.ts'
import { AccountStore } from '../accounts/account-store.ts'
import { ActivityLog } from '../accounts/activity-log.ts'
import { Background } from '../background/background.ts'
import type { Committee } from '../committee.ts'
import { EXIT_CODES, GuestEnd } from '../exit-codes.ts'
import { CertifiedKeys } from '../keys/certified-keys.ts'
import { HeldKeys } from '../keys/held-keys.ts'
import { ReadyKeys } from '../keys/ready-keys.ts'
import { PairBans } from '../pairs/pair-bans.ts'
import { SetupTurns } from '../pairs/setup-turns.ts'
import type { Records } from '../records.ts'
import { AccountRates } from '../requests/account-rates.ts'
import { rememberProofs } from '../requests/remember-proofs.ts'
import { ResultCache } from '../requests/result-cache.ts'
import { verifyProof } from '../requests/verify-proof.ts'
import { ChoiceRoom } from '../sessions/choice-room.ts'
import { LiveAttempts } from '../sessions/live-attempts.ts'
import { Strikes } from '../strikes.ts'
import type { Conversations, GuestInit } from './guest-init.ts'

/** What the rooms that are open say of themselves to what they share. */
export interface OpenRooms {
  /** This guest's index, the same in every epoch. */
  readonly me: PartyIndex
  readonly committees: readonly Committee[]
  /** Everybody whom some open room knows. */
  readonly guests: readonly Guest[]
  /** The largest of the open rooms. */
  readonly threshold: number
  /** Those of the epoch that serves. */
  readonly records: Pick<Records, 'sharePart'>
  /** What others told of this account and nonce, in whatever room, is known once it resolves. */
  heard(accountId: Uint8Array, nonce: Uint8Array): Promise<void> | undefined
}

/** Everything of a guest that outlives epochs: what rooms share, made once. */
export class GuestState {
  readonly init: GuestInit
  readonly rooms: OpenRooms
  readonly conversations: Conversations
  readonly background: Background
  readonly strikes: Strikes
  readonly bans: PairBans
  readonly turns: SetupTurns = new SetupTurns()
  readonly held: HeldKeys
  readonly certified: CertifiedKeys
  readonly ready: ReadyKeys
  readonly accounts: AccountStore
  readonly activities: ActivityLog
  readonly results: ResultCache = new ResultCache()
  readonly rates: AccountRates
  readonly verify: typeof verifyProof = rememberProofs(verifyProof)
  readonly live: LiveAttempts
  /** Room in the kernel for multiplications. */
  readonly choices: ChoiceRoom
  #halted = false

  constructor(init: GuestInit, rooms: OpenRooms) {
    const { records, clock, random, settings, tell } = init
    this.init = init
    this.rooms = rooms
    const defaults = { setUpPair, produceCorrelations, generateKeys, sign }
    this.conversations = { ...defaults, ...init.conversations }
    const onError = (error: unknown) => this.defect(error)
    this.background = new Background({ settings: settings.background, clock, random, onError })
    this.strikes = new Strikes(tell)
    this.bans = new PairBans({ records, tell })
    this.held = new HeldKeys({
      bulk: (name) => records.bulk(name),
      sharePart: (name) => rooms.records.sharePart(name),
    })
    this.certified = new CertifiedKeys(records)
    this.ready = new ReadyKeys(records)
    this.accounts = new AccountStore(records, this.held)
    this.activities = new ActivityLog(records)
    const monotonicMs = () => clock.monotonicMs()
    this.rates = new AccountRates(monotonicMs)
    this.live = new LiveAttempts({
      me: rooms.me,
      monotonicMs,
      get guests() {
        return rooms.guests
      },
    })
    this.choices = new ChoiceRoom({
      me: rooms.me,
      total: CHOICE_SLOTS,
      clock,
      get threshold() {
        return rooms.threshold
      },
    })
  }

  /** Nothing is begun any more: at the end, or because the guest contradicts itself. */
  get isHalted(): boolean {
    return this.#halted
  }

  /** Unix seconds. */
  now(): number {
    return Math.floor(this.init.clock.unixMs() / 1000)
  }

  defect(error: unknown): void {
    if (!this.#halted) this.init.onDefect(error)
  }

  /** Our own state contradicts itself (02 §12). A share halts its key, which the signing room does; the kernel halts all. */
  halt(fault: Fault): void {
    if (this.#halted) return
    this.init.tell('HALTED', this.rooms.me)
    if (fault.kind !== 'kernel') return
    this.defect(new GuestEnd(EXIT_CODES.selfTest, 'KERNEL_MISUSE'))
    this.#halted = true
  }

  close(): void {
    this.#halted = true
    this.background.close()
  }
}
