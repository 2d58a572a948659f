import { takeAbort } from './aborts.ts'
import { considerActive, onActive, onClose, onEpoch, onLogClosed } from './activate.ts'
import {
  considerTasks,
  onFault,
  onStart,
  onTaskDone,
  onTaskFailed,
  takeTwoStarts,
} from './attempt.ts'
import { onAsk, onBeat, onBeatDue } from './beat.ts'
import { contributesHere, contributors } from './contributing.ts'
import {
  considerDecision,
  considerOutcome,
  hearEarly,
  onDeadline,
  onVote,
  onVoteTimer,
} from './decide.ts'
import type { Effect } from './effects.ts'
import { considerErase, considerRoot, onDrained, onErased, onRoot, onRootDue } from './erase.ts'
import type { Event } from './events.ts'
import { considerFreeze, considerTail, onFreeze, onFrozen, onTail } from './freeze.ts'
import { askHeads, considerFresh, onHead, onHeadAsk } from './freshness.ts'
import { onHeld, onKey, onKeyMade, onKeyProved } from './keys.ts'
import type { Message } from './messages.ts'
import type { Parts } from './parts.ts'
import { answer, onAnswer, onProposal, propose } from './proposals.ts'
import { considerReady, considerTests, onReady } from './ready.ts'
import { onRemindDue } from './remind.ts'
import { restore, type Start } from './restart.ts'
import { considerStart, onFit, onPreflight, onPreflightOver, onStartDue } from './start.ts'
import type { State } from './state.ts'
import { entryOf, ownEntry, type Turn } from './turn.ts'

/**
 * One member's view of its committee's epochs (03 §4.1): events in, ordered effects out. No clock, disk, network or
 * chance: `now` is wall time of the event, everything else is in the parts. After a restart a new one is made of what
 * is on disk.
 */
export class EpochMember {
  readonly #parts: Parts
  readonly #state: State

  constructor(parts: Parts, records: ReadonlyMap<string, unknown>, start: Start) {
    this.#parts = parts
    this.#state = restore(parts, records, start)
  }

  /** For status and tests; nobody outside changes it. */
  get state(): Readonly<State> {
    return this.#state
  }

  /** Members of the base that contribute, as most of the others see it (03 §9.4). */
  contributors(now: number): readonly number[] {
    const turn: Turn = { parts: this.#parts, state: this.#state, now, effects: [] }
    const { members } = this.#state.base.record
    const own = members.filter(({ index }) => contributesHere(turn, index))
    const self = ownEntry(turn, members)?.index ?? null
    return contributors(this.#state, self, new Set(own.map(({ index }) => index)), now)
  }

  handle(event: Event, now: number): readonly Effect[] {
    const turn: Turn = { parts: this.#parts, state: this.#state, now, effects: [] }
    if (this.#state.standing !== 'stopped') {
      take(turn, event)
      settle(turn)
    }
    return turn.effects
  }
}

/** What follows from what is known, step by step as in the table of 03 §4.1. Each asks whether its time has come. */
function settle(turn: Turn): void {
  const { state } = turn
  considerFresh(turn)
  if (state.standing !== 'member') return
  considerStart(turn) // S3
  for (const attempt of [...state.attempts.values()]) {
    considerTasks(turn, attempt) // S4, S5
    considerFreeze(turn, attempt) // S6
    considerTail(turn, attempt)
    considerTests(turn, attempt) // S7
    considerReady(turn, attempt) // S8
    considerDecision(turn, attempt) // S9
    hearEarly(turn, attempt)
    considerOutcome(turn, attempt)
  }
  for (const ending of state.endings.values()) {
    considerActive(turn, ending) // S10
    considerRoot(turn, ending) // S11
    considerErase(turn, ending) // S12
  }
}

function take(turn: Turn, event: Event): void {
  switch (event.type) {
    case 'boot':
      boot(turn)
      break
    case 'message':
      hear(turn, event.from, event.boot, event.message)
      break
    case 'timer':
      ring(turn, event.name)
      break
    case 'propose':
      propose(turn, event.proposal, event.joins)
      break
    case 'operator-answer':
      answer(turn, event.proposalHash, event.yes, event.operatorSig)
      break
    case 'task-done':
      onTaskDone(turn, event)
      break
    case 'task-failed':
      onTaskFailed(turn, event)
      break
    case 'root-signed':
      onRoot(turn, event.root, true)
      break
    case 'log-closed':
      onLogClosed(turn, event.e, event.open)
      break
    case 'key-proved':
      onKeyProved(turn, event.keyId)
      break
    case 'key-made':
      onKeyMade(turn, event.key)
      break
  }
}

function boot(turn: Turn): void {
  askHeads(turn)
  onBeatDue(turn)
  onRemindDue(turn)
}

function ring(turn: Turn, name: string): void {
  const [kind, e = '0', k = '0', ...rest] = name.split('/')
  switch (kind) {
    case 'heads':
      askHeads(turn)
      break
    case 'beat':
      onBeatDue(turn)
      break
    case 'remind':
      onRemindDue(turn)
      break
    case 'start':
      onStartDue(turn, Number(e), Number(k))
      break
    case 'preflight':
      onPreflightOver(turn, Number(e), Number(k))
      break
    case 'deadline':
      onDeadline(turn, Number(e), Number(k))
      break
    case 'vote':
      onVoteTimer(turn, Number(e), Number(k), JSON.parse(rest.join('/')))
      break
    case 'root':
      onRootDue(turn, Number(e))
      break
    case 'drain':
      onDrained(turn, Number(e))
      break
  }
}

/** Heads, beats and certificates are heard by a member that still asks; what leads to promises is not (03 §9.5). */
function hear(turn: Turn, from: string, boot: string, message: Message): void {
  const { state } = turn
  const sender = entryOf(state.base.record.members, from)
  if (sender !== undefined && state.refused.get(sender.index)?.has(boot)) return
  switch (message.type) {
    case 'head-ask':
      onHeadAsk(turn, from, message.ask)
      break
    case 'head':
      onHead(turn, message.head)
      break
    case 'beat':
      onBeat(turn, from, message.beat)
      break
    case 'epoch':
      onEpoch(turn, from, message.cert, message.keys)
      break
    case 'ask':
      onAsk(turn, from, message.what, message.e, message.k)
      break
    default:
      if (state.standing === 'member') discuss(turn, from, message)
  }
}

type Discussed = Exclude<Message, { type: 'head-ask' | 'head' | 'beat' | 'epoch' | 'ask' }>

function discuss(turn: Turn, from: string, message: Discussed): void {
  switch (message.type) {
    case 'proposal':
      onProposal(turn, message)
      break
    case 'answer':
      onAnswer(turn, message.answer)
      break
    case 'preflight':
      onPreflight(turn, from, message)
      break
    case 'fit':
      onFit(turn, from, message.answer)
      break
    case 'start':
      onStart(turn, message)
      break
    case 'two-starts':
      takeTwoStarts(turn, message.starts)
      break
    case 'freeze':
      onFreeze(turn, message.freeze)
      break
    case 'frozen':
      onFrozen(turn, message)
      break
    case 'tail':
      onTail(turn, message.tail, message.lists)
      break
    case 'ready':
      onReady(turn, from, message.ready, message.record)
      break
    case 'fault':
      onFault(turn, from, message.fault)
      break
    case 'vote':
      onVote(turn, from, message.e, message.k, message.bytes)
      break
    case 'aborted':
      takeAbort(turn, message.cert)
      break
    case 'close':
      onClose(turn, message.close, message.open)
      break
    case 'active':
      onActive(turn, message.active)
      break
    case 'root':
      onRoot(turn, message.root, false)
      break
    case 'erased':
      onErased(turn, message.erased)
      break
    case 'key':
      onKey(turn, from, message.key)
      break
    case 'held':
      onHeld(turn, message.held)
      break
  }
}
