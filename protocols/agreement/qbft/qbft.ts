import { type Ballot, Ballots, ROUND_WINDOW } from './ballots.ts'
import { highestPrepared, isDecision, leaderOf, refusal } from './checks.ts'
import { encodeEquivocation } from './equivocation.ts'
import {
  ANSWER_MS,
  type DropReason,
  MAX_ROUND_MS,
  type Proposal,
  type QbftEffect,
  type QbftEvent,
  type QbftSetup,
  type QbftTimer,
  RESEND_MS,
} from './interface.ts'
import {
  type Decision,
  decodeMessage,
  EMPTY,
  encodeMessage,
  tryDecodeMessage,
  type VoteMessage,
} from './message.ts'
import { Outbox } from './outbox.ts'
import {
  decodeQbftRecord,
  encodeQbftRecord,
  NEW_RECORD,
  NOTHING_PREPARED,
  type QbftRecord,
  SENT_ORDER,
} from './record.ts'
import { sameValue, sameVote, type Vote, voteBody } from './vote.ts'

/**
 * One member of one QBFT instance (03 §5): events in, effects out, in order. It has no clock, no store and no network;
 * equal events give equal effects. Rules carry the numbers A1 to A7 of the specification.
 */
export class Qbft {
  readonly #setup: QbftSetup
  readonly #ballots = new Ballots()
  readonly #context: { readonly setup: QbftSetup; readonly ballots: Ballots }
  #started = false
  #state: QbftRecord = NEW_RECORD
  #values: readonly Proposal[] = []
  /** The highest round whose timer was set. */
  #timed = 0
  readonly #accused = new Set<number>()
  readonly #answered = new Set<number>()
  readonly #out = new Outbox()

  constructor(setup: QbftSetup) {
    this.#setup = setup
    this.#context = { setup, ballots: this.#ballots }
  }

  /** What is stored, or would be: for ROUND-CHANGE states that others ask for, and for status. */
  get record(): QbftRecord {
    return this.#state
  }

  /** Throws `DecodeError` at `start` for a record that is not one of this instance. */
  handle(event: QbftEvent): QbftEffect[] {
    if (this.#started === (event.type === 'start')) throw new Error('bug: start comes first, once')
    if (event.type === 'start') this.#start(event.record)
    else if (event.type === 'values') this.#values = event.values
    else if (event.type === 'timer') this.#rang(event.timer)
    else this.#receive(event.from, event.bytes)
    this.#applyRules()
    return this.#out.take(() => encodeQbftRecord(this.#setup.iid, this.record))
  }

  #start(stored: Uint8Array | null): void {
    this.#started = true
    if (stored === null) return
    this.#state = decodeQbftRecord(this.#setup.iid, stored)
    const { round, sent, decision } = this.#state
    if (decision !== null) this.#out.tell({ type: 'decided', decision })
    if (decision !== null || round === 0 || this.#setup.silent) return
    for (const bytes of Object.values(sent)) {
      const message = decodeMessage(bytes)
      if (message.type === 'vote')
        this.#ballots.add({ ...message, from: this.#setup.self, attached: message })
    }
    this.#sendAgain()
  }

  #rang(timer: QbftTimer): void {
    if (timer.type === 'answer') this.#answered.delete(timer.to)
    else if (this.#state.decision !== null) return
    else if (timer.type === 'resend') this.#sendAgain()
    else if (timer.round === this.#state.round) this.#enter(this.#state.round + 1) // A4
  }

  /** The bytes that went out before: a vote that is made again could differ, and convict its honest author. */
  #sendAgain(): void {
    for (const kind of SENT_ORDER) {
      const bytes = this.#state.sent[kind]
      if (bytes !== undefined) this.#out.send('all', bytes)
    }
    this.#out.timer({ type: 'resend' }, RESEND_MS)
  }

  #receive(from: number, bytes: Uint8Array): void {
    const reason = this.#dropReason(from, bytes)
    if (reason !== undefined) this.#out.tell({ type: 'dropped', from, reason })
  }

  #dropReason(from: number, bytes: Uint8Array): DropReason | undefined {
    const { self, members } = this.#setup
    if (from === self || !members.includes(from)) return 'sender'
    const message = tryDecodeMessage(bytes)
    if (message === undefined) return 'malformed'
    if (this.#state.decision !== null) {
      if (message.type !== 'decide') this.#answer(from, this.#state.decision)
      return undefined
    }
    if (message.type === 'vote') return this.#count(from, message)
    if (!isDecision(this.#context, message.decision)) return 'certificate'
    this.#decide(message.decision) // A7
    return undefined
  }

  /** A DECIDE is never answered by a DECIDE: two that have decided would tell each other for ever. */
  #answer(from: number, decision: Decision): void {
    if (this.#setup.silent || this.#answered.has(from)) return
    this.#answered.add(from)
    this.#out.send(from, encodeMessage({ type: 'decide', decision }))
    this.#out.timer({ type: 'answer', to: from }, ANSWER_MS)
  }

  /** Takes a vote whose signature and attachment are good; whatever is attached counts as received. */
  #count(from: number, message: VoteMessage): DropReason | undefined {
    const { vote, changes, prepares } = message
    const held = this.#ballots.get(vote.kind, vote.round, from)
    if (held !== undefined && sameVote(held.vote, vote)) return undefined
    if (!this.#isWanted(vote)) return 'round'
    const reason = refusal(this.#context, from, message)
    if (reason !== undefined) return reason
    for (const change of changes) this.#take(change)
    const round = changes.length > 0 ? highestPrepared(changes) : vote.preparedRound
    for (const [author, signature] of prepares) {
      const prepare: Vote = { kind: 'prepare', round, value: vote.value, preparedRound: 0 }
      this.#take({ from: author, vote: prepare, signature })
    }
    this.#catchUp()
    this.#take({ from, vote, signature: message.signature, attached: message })
    const proposal = { value: vote.value, proof: message.proof }
    if (vote.kind === 'pre-prepare' && !this.#isValid(vote))
      this.#out.tell({ type: 'proposed', from, proposal })
    return undefined
  }

  /** A far ROUND-CHANGE is kept, or members that slept would never catch up; so is a proposal that comes with some. */
  #isWanted({ kind, round }: Vote): boolean {
    if (this.#setup.silent) return kind === 'commit'
    const { round: own } = this.#state
    if (kind === 'prepare') return round >= own && round <= own + ROUND_WINDOW
    return kind === 'commit' ? round <= own + ROUND_WINDOW : round >= own
  }

  #take(ballot: Ballot): void {
    if (!this.#isWanted(ballot.vote)) return
    const earlier = this.#ballots.add(ballot)
    if (ballot.vote.round > this.#state.round + ROUND_WINDOW) this.#ballots.prune(this.#state.round)
    if (earlier === undefined || this.#accused.has(ballot.from)) return
    this.#accused.add(ballot.from)
    const bytes = encodeEquivocation(this.#setup.iid, earlier, ballot)
    this.#out.tell({ type: 'evidence', about: ballot.from, bytes })
  }

  #applyRules(): void {
    let changed = true
    while (changed && this.#state.decision === null) {
      changed = this.#tally()
      if (this.#setup.silent) continue
      changed ||= this.#catchUp() || this.#begin() || this.#setRoundTimer()
      changed ||= this.#lead() || this.#prepare() || this.#commit()
    }
  }

  /** A3: a quorum of COMMITs of any one round. */
  #tally(): boolean {
    for (const round of this.#ballots.rounds('commit')) {
      const found = this.#ballots.quorum('commit', round, this.#setup.quorum)
      if (found === undefined) continue
      this.#decide({ round, value: found.value, commits: found.signatures })
      return true
    }
    return false
  }

  #decide(decision: Decision): void {
    this.#state = { ...this.#state, decision, sent: {} }
    const bytes = encodeMessage({ type: 'decide', decision })
    if (this.#setup.silent) this.#out.write()
    else this.#out.sendDurably('all', bytes)
    this.#out.tell({ type: 'decided', decision })
  }

  /** A5: to the highest round that at least one honest member has reached. */
  #catchUp(): boolean {
    const round = this.#ballots.highestChanges()[this.#setup.f] ?? 0
    if (round <= this.#state.round) return false
    this.#enter(round)
    return true
  }

  /** Begins when there is something to decide: a value of its own, or the first leader's. */
  #begin(): boolean {
    const isProposed = this.#ballots.all('pre-prepare', 1).length > 0
    if (this.#state.round > 0 || (this.#values.length === 0 && !isProposed)) return false
    this.#enter(1)
    return true
  }

  #enter(round: number): void {
    if (this.#state.round === 0) this.#out.timer({ type: 'resend' }, RESEND_MS)
    this.#state = { ...this.#state, round, sent: {} }
    this.#ballots.prune(round)
    if (round === 1) return
    const { round: preparedRound, value, prepares } = this.#state.prepared ?? NOTHING_PREPARED
    this.#vote({ kind: 'round-change', round, value, preparedRound }, { prepares })
  }

  /**
   * Deviation: the timer of a round above 1 runs only once a quorum has left the rounds before it. So nobody runs ahead
   * alone: one that was cut off for hours would be hundreds of rounds, a minute each, above those it needs.
   */
  #setRoundTimer(): boolean {
    const { round } = this.#state
    if (round === 0 || round === this.#timed) return false
    const there = this.#ballots.highestChanges().filter((reached) => reached >= round)
    if (round > 1 && there.length < this.#setup.quorum) return false
    this.#timed = round
    const afterMs = Math.min(this.#setup.firstRoundMs * 2 ** (round - 1), MAX_ROUND_MS)
    this.#out.timer({ type: 'round', round }, afterMs)
    return true
  }

  /** A6: one proposal a round. */
  #lead(): boolean {
    const { self, quorum } = this.#setup
    const { round, sent } = this.#state
    if (round === 0 || leaderOf(this.#setup, round) !== self || sent['pre-prepare']) return false
    const changes = this.#ballots.all('round-change', round)
    if (round > 1 && changes.length < quorum) return false
    const highest = highestPrepared(changes)
    const change = changes.find(({ vote }) => highest > 0 && vote.preparedRound === highest)
    const value = change?.vote.value ?? this.#values[0]?.value
    if (value === undefined) return false
    const proof = this.#values.find((known) => sameValue(known.value, value))?.proof ?? EMPTY
    const prepares = change?.attached?.prepares ?? []
    this.#vote(
      { kind: 'pre-prepare', round, value, preparedRound: 0 },
      { proof, changes, prepares },
    )
    return true
  }

  /** A1. */
  #prepare(): boolean {
    const [proposal] = this.#ballots.all('pre-prepare', this.#state.round)
    if (proposal === undefined || this.#state.sent.prepare) return false
    const isLocked = highestPrepared(proposal.attached?.changes ?? []) > 0
    if (!isLocked && !this.#isValid(proposal.vote)) return false
    this.#vote({ ...proposal.vote, kind: 'prepare' })
    return true
  }

  /** A2. */
  #commit(): boolean {
    const { round, sent } = this.#state
    const found = this.#ballots.quorum('prepare', round, this.#setup.quorum)
    if (found === undefined || sent.commit) return false
    const { value, signatures } = found
    this.#state = { ...this.#state, prepared: { round, value, prepares: signatures } }
    this.#vote({ kind: 'commit', round, value, preparedRound: 0 })
    return true
  }

  /** The own vote: signed, counted, stored, and only then sent. */
  #vote(vote: Vote, attached: Partial<NonNullable<Ballot['attached']>> = {}): void {
    const { iid, self } = this.#setup
    const signature = this.#setup.sign(voteBody(iid, vote))
    const none = { proof: EMPTY, changes: [], prepares: [] }
    const message: VoteMessage = { type: 'vote', vote, signature, ...none, ...attached }
    const bytes = encodeMessage(message)
    this.#ballots.add({ from: self, vote, signature, attached: message })
    this.#state = { ...this.#state, sent: { ...this.#state.sent, [vote.kind]: bytes } }
    this.#out.sendDurably('all', bytes)
  }

  #isValid({ value }: Vote): boolean {
    return this.#values.some((known) => sameValue(known.value, value))
  }
}
