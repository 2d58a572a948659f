import { sameBytes } from '../../../../protocols/agreement/compare-bytes.ts'
import { convicted } from '../../../../protocols/agreement/qbft/equivocation.ts'
import type {
  Proposal,
  QbftEffect,
  QbftSetup,
  QbftTimer,
} from '../../../../protocols/agreement/qbft/interface.ts'
import { type Decision, decodeMessage } from '../../../../protocols/agreement/qbft/message.ts'
import { Qbft } from '../../../../protocols/agreement/qbft/qbft.ts'
import { decodeQbftRecord, SENT_ORDER } from '../../../../protocols/agreement/qbft/record.ts'
import {
  ABORT,
  sameValue,
  type Value,
  valueKey,
} from '../../../../protocols/agreement/qbft/vote.ts'
import { quorums } from '../../../../protocols/agreement/quorums.ts'
import { type Dice, dice } from './dice.ts'
import { seal, sealVerifier } from './seal.ts'

/** What may be missing from a member, to show that the search finds what follows from it. */
export interface Lack {
  readonly Machine?: typeof Qbft
  /** Restarts know nothing. */
  readonly record?: boolean
  /** Certificates need one vote less. */
  readonly vote?: boolean
}

/** Byzantine members are given every message that reaches them, and may send anything in their own name. */
export interface Adversary {
  /** Once at the start, with what it may do. */
  begin(world: World): void
  receive(world: World, member: number, from: number, bytes: Uint8Array): void
}

/** How one schedule went. */
export interface Outcome {
  readonly violation: string | null
  readonly decided: Value | null
  /** Virtual ms after the network healed until the last honest member had decided. */
  readonly lastMs: number
  readonly highestRound: number
  readonly events: number
}

export const IID: Uint8Array = new Uint8Array(32).fill(7)
/** The value that becomes valid, with the proof that makes it so for everybody. */
export const COMMIT: Uint8Array = new Uint8Array(32).fill(1)
export const COMMIT_PROOF: Uint8Array = Uint8Array.of(1, 1)
export const ABORT_PROOF: Uint8Array = Uint8Array.of(2, 2)
/** A value that no honest member ever finds valid. */
export const BOGUS: Uint8Array = new Uint8Array(32).fill(9)
const HEAL_MS = 40_000
/** Within this all must have decided once the network is whole: two rounds of a minute with room. */
const PATIENCE_MS = 400_000
/** Enough for any schedule that ends; more is a storm of messages. */
const MAX_EVENTS = 60_000

interface Honest {
  machine: Qbft
  /** Rises with every crash, so that what was meant for an earlier life is not delivered. */
  life: number
  disk: Uint8Array | null
  up: boolean
  valid: Proposal[]
  timers: Map<string, number>
  decision: Decision | null
}

interface Planned {
  at: number
  order: number
  run: () => void
}

/** One schedule: honest members, an adversary, a network that is bad for a while, crashes at any write and any send. */
export class World {
  readonly dice: Dice
  readonly members: readonly number[]
  readonly byzantine: readonly number[]
  readonly setup: Omit<QbftSetup, 'self' | 'sign'>
  now = 0
  readonly #honest = new Map<number, Honest>()
  readonly #plan: Planned[] = []
  readonly #lack: Lack
  readonly #adversary: Adversary
  readonly #lossy: number
  readonly #crashy: number
  #order = 0
  #events = 0
  #highestRound = 0
  #lastMs = 0
  #decided: Value | null = null
  #violation: string | null = null

  constructor(seed: number, n: number, adversary: Adversary | null, lack: Lack = {}) {
    this.dice = dice(seed)
    this.#lack = lack
    this.members = Array.from({ length: n }, (_, i) => 3 * i + 1)
    const { f, q } = quorums(n, n)
    const shuffled = [...this.members].sort(() => this.dice.below(3) - 1)
    this.byzantine = adversary === null ? [] : shuffled.slice(0, f)
    this.#adversary = adversary ?? { begin: () => {}, receive: () => {} }
    this.#lossy = this.dice.pick([0, 0.1, 0.4])
    this.#crashy = this.dice.pick([0, 0.01, 0.05])
    this.setup = {
      iid: IID,
      members: this.members,
      f,
      quorum: lack.vote ? q - 1 : q,
      firstLeader: this.dice.below(n),
      firstRoundMs: 4_000,
      silent: false,
      verify: sealVerifier(this.members),
    }
    for (const member of this.members)
      if (!this.byzantine.includes(member)) this.#honest.set(member, this.#fresh(member))
  }

  run(): Outcome {
    for (const [member, honest] of this.#honest) {
      this.#perform(member, honest, honest.machine.handle({ type: 'start', record: null }))
      // Who learns first that COMMIT is possible, and whose deadline ends first, differs.
      if (this.dice.chance(0.6))
        this.after(this.dice.below(6_000), () => this.#learn(member, PROPOSALS.commit))
      const deadline = this.dice.chance(0.4) ? this.dice.below(4_000) : this.dice.below(40_000)
      this.after(deadline, () => this.#learn(member, PROPOSALS.abort))
    }
    this.#adversary.begin(this)
    while (this.#violation === null && this.#undecided()) {
      const next = this.#next()
      if (next === undefined) this.#violation = 'nothing happens any more'
      else if (next.at > HEAL_MS + PATIENCE_MS) this.#violation = 'no decision'
      else if (++this.#events > MAX_EVENTS) this.#violation = 'a storm of messages'
      else {
        this.now = next.at
        next.run()
      }
    }
    return {
      violation: this.#violation,
      decided: this.#decided,
      lastMs: this.#lastMs,
      highestRound: this.#highestRound,
      events: this.#events,
    }
  }

  get healed(): boolean {
    return this.now >= HEAL_MS
  }

  after(ms: number, run: () => void): void {
    push(this.#plan, { at: this.now + ms, order: this.#order++, run })
  }

  /** Sends with what the network does to it: delay, loss, duplication, and so reordering. */
  send(from: number, to: number, bytes: Uint8Array): void {
    if (!this.healed && this.dice.chance(this.#lossy)) return
    const copies = this.dice.chance(0.05) ? 2 : 1
    for (let copy = 0; copy < copies; copy++)
      this.after(
        this.healed ? 5 + this.dice.below(40) : this.dice.below(this.dice.pick([60, 3_000])),
        () => this.#deliver(from, to, bytes),
      )
  }

  #deliver(from: number, to: number, bytes: Uint8Array): void {
    const honest = this.#honest.get(to)
    if (honest === undefined) this.#adversary.receive(this, to, from, bytes)
    else if (honest.up)
      this.#perform(to, honest, honest.machine.handle({ type: 'message', from, bytes }))
  }

  #fresh(member: number): Honest {
    const { setup } = this
    const Machine = this.#lack.Machine ?? Qbft
    const sign = (body: Uint8Array): Uint8Array => seal(member, body)
    const machine = new Machine({ ...setup, self: member, sign })
    return {
      machine,
      life: 0,
      disk: null,
      up: true,
      valid: [],
      timers: new Map(),
      decision: null,
    }
  }

  #learn(member: number, proposal: Proposal): void {
    const honest = this.#honest.get(member)
    if (honest === undefined || honest.valid.some(({ value }) => sameValue(value, proposal.value)))
      return
    honest.valid = [...honest.valid, proposal].sort((a) => (a.value === ABORT ? 1 : -1))
    if (honest.up)
      this.#perform(member, honest, honest.machine.handle({ type: 'values', values: honest.valid }))
  }

  #perform(member: number, honest: Honest, effects: readonly QbftEffect[]): void {
    const { life } = honest
    for (const effect of effects) {
      const before = this.#crashes(effect)
      if (!before) this.#apply(member, honest, effect)
      if (before || (effect.type === 'write' && this.#crashes(effect))) this.#crash(member, honest)
      if (honest.life !== life) return
    }
  }

  #crashes(effect: QbftEffect): boolean {
    const isPoint = effect.type === 'write' || effect.type === 'send'
    return isPoint && !this.healed && this.dice.chance(this.#crashy)
  }

  #crash(member: number, honest: Honest): void {
    const life = honest.life + 1
    const disk = this.#lack.record ? null : honest.disk
    Object.assign(honest, { ...this.#fresh(member), life, up: false, disk, valid: honest.valid })
    this.after(this.dice.below(this.dice.pick([500, 10_000])), () => {
      honest.up = true
      this.#perform(member, honest, honest.machine.handle({ type: 'start', record: disk }))
      if (honest.up)
        this.#perform(
          member,
          honest,
          honest.machine.handle({ type: 'values', values: honest.valid }),
        )
    })
  }

  #apply(member: number, honest: Honest, effect: QbftEffect): void {
    switch (effect.type) {
      case 'write':
        honest.disk = effect.record
        this.#highestRound = Math.max(this.#highestRound, honest.machine.record.round)
        return
      case 'send':
        this.#checkSynced(member, honest, effect.bytes)
        for (const to of effect.to === 'all' ? this.members : [effect.to])
          if (to !== member) this.send(member, to, effect.bytes)
        return
      case 'timer':
        this.#setTimer(member, honest, effect.timer, effect.afterMs)
        return
      case 'proposed': {
        const { value, proof } = effect.proposal
        const known = Object.values(PROPOSALS).find((known) => sameValue(known.value, value))
        if (known !== undefined && sameBytes(known.proof, proof))
          this.after(0, () => this.#learn(member, known))
        return
      }
      case 'decided':
        this.#noteDecision(member, honest, effect.decision)
        return
      case 'evidence': {
        const about = convicted(effect.bytes, this.setup.verify)
        if (!this.byzantine.includes(about)) this.#violation = `honest member ${about} is convicted`
        return
      }
      case 'dropped':
        return
    }
  }

  /** I7: no vote leaves that the disk does not hold. */
  #checkSynced(member: number, honest: Honest, bytes: Uint8Array): void {
    const { sent, decision } = honest.disk
      ? decodeQbftRecord(IID, honest.disk)
      : { sent: {}, decision: null }
    const isStored =
      decision !== null || SENT_ORDER.some((kind) => sent[kind] && sameBytes(sent[kind], bytes))
    if (!isStored && !this.#lack.record && !this.#lack.Machine)
      this.#violation = `member ${member} sent what it had not stored`
  }

  #setTimer(member: number, honest: Honest, timer: QbftTimer, afterMs: number): void {
    const name = `${timer.type}/${timer.type === 'answer' ? timer.to : ''}`
    const turn = (honest.timers.get(name) ?? 0) + 1
    honest.timers.set(name, turn)
    const { life } = honest
    this.after(afterMs, () => {
      if (honest.life !== life || honest.timers.get(name) !== turn) return
      this.#perform(member, honest, honest.machine.handle({ type: 'timer', timer }))
    })
  }

  #noteDecision(member: number, honest: Honest, decision: Decision): void {
    honest.decision = decision
    this.#lastMs = Math.max(0, this.now - HEAL_MS)
    this.#decided ??= decision.value
    if (!sameValue(this.#decided, decision.value))
      this.#violation = `fork: ${valueKey(this.#decided)} and, by ${member}, ${valueKey(decision.value)}`
    if (sameValue(decision.value, BOGUS))
      this.#violation = 'a value that is valid nowhere was decided'
  }

  #undecided(): boolean {
    return [...this.#honest.values()].some(({ decision }) => decision === null)
  }

  #next(): Planned | undefined {
    return pop(this.#plan)
  }
}

const PROPOSALS = {
  commit: { value: COMMIT, proof: COMMIT_PROOF },
  abort: { value: ABORT, proof: ABORT_PROOF },
} as const

/** Whether `bytes` say what was decided. */
export const isDecide = (bytes: Uint8Array): boolean => decodeMessage(bytes).type === 'decide'

const isBefore = (a: Planned, b: Planned): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order)

/** A binary heap: the plan of one schedule has thousands of entries. */
function push(heap: Planned[], item: Planned): void {
  let at = heap.length
  heap.push(item)
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up] as Planned
    if (!isBefore(item, parent)) break
    heap[at] = parent
    at = up
  }
  heap[at] = item
}

function pop(heap: Planned[]): Planned | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (first === undefined || last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    const right = heap[child + 1]
    if (right !== undefined && isBefore(right, heap[child] as Planned)) child++
    if (!isBefore(heap[child] as Planned, last)) break
    heap[at] = heap[child] as Planned
    at = child
  }
  heap[at] = last
  return first
}
