import type { Notice } from '../../../protocols/agreement/epoch/effects.ts'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import type { Message } from '../../../protocols/agreement/epoch/messages.ts'
import type { Families } from '../../../protocols/agreement/epoch/records.ts'
import type { Epoch } from '../../../protocols/agreement/epoch/state.ts'
import { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import { epochInstanceId } from '../../../protocols/agreement/objects/vote.ts'
import { decodeMessage } from '../../../protocols/agreement/qbft/message.ts'
import { decodeQbftRecord } from '../../../protocols/agreement/qbft/record.ts'
import { baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import type { Change } from './disk.ts'
import type { Node } from './node.ts'
import type { Share } from './resharing.ts'
import type { World } from './world.ts'

export type Invariant =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'key'
  | 'equiv'

/** An invariant that did not hold (03 §11). */
export class Broken extends Error {
  readonly invariant: Invariant

  constructor(invariant: Invariant, what: string) {
    super(`${invariant}: ${what}`)
    this.invariant = invariant
  }
}

/** Sees everything, and ends the world when an invariant of 03 §11 does not hold. */
export class Observer {
  /** Decided epochs. */
  readonly epochs: Map<number, Epoch> = new Map()
  /** What a joiner knows when it starts. */
  readonly joinedAt: Map<string, number> = new Map()
  readonly rootSigned: Set<string> = new Set()
  /** Keys whose address somebody was told, with the epoch of their making. */
  readonly releasedKeys: Map<string, number> = new Map()
  readonly notices: { readonly node: Node; readonly notice: Notice }[] = []
  readonly counts = {
    epochs: 0,
    aborts: 0,
    signatures: 0,
    refused: 0,
    released: 0,
    exits: 0,
  }
  /** Invariants that a test does not want to be the one that ends the world. */
  readonly unchecked: Set<Invariant> = new Set()
  readonly #world: World
  readonly #aborted = new Set<string>()
  #isDirty = true

  constructor(world: World) {
    this.#world = world
  }

  certified(epoch: Epoch): void {
    const { e } = epoch.record
    const known = this.epochs.get(e)
    if (known !== undefined) {
      if (hexOf(known.hash) !== hexOf(epoch.hash)) this.broken('I2', `two records of epoch ${e}`)
      return
    }
    const before = this.epochs.get(e - 1)
    this.epochs.set(e, epoch)
    this.counts.epochs++
    this.#isDirty = true
    if (before === undefined) return
    if (this.#aborted.has(`${e}/${epoch.record.k}`))
      this.broken('I2', `attempt ${epoch.record.k} at epoch ${e} was decided both ways`)
    for (const { guestSig, index } of epoch.record.members) {
      const node = this.#world.nodeOf(hexOf(guestSig))
      if (node.isHonest && !node.isDestroyed && !this.holds(node, epoch))
        this.broken('I1', `epoch ${e} was decided without the shares of member ${index}`)
    }
    const keys = new Set(keysOf(epoch).map(({ keyId }) => hexOf(keyId)))
    for (const { keyId } of keysOf(before))
      if (!keys.has(hexOf(keyId))) this.broken('I3', `epoch ${e} lacks a key of the one before`)
    for (const [key, made] of this.releasedKeys)
      if (made < e && !keys.has(key)) this.broken('key', `epoch ${e} lacks a released key`)
  }

  broken(invariant: Invariant, what: string): void {
    if (!this.unchecked.has(invariant)) throw new Broken(invariant, what)
  }

  /** Epochs that have shares: not what the genesis file says. */
  #made(): readonly Epoch[] {
    return [...this.epochs.values()].filter(({ record }) => record.e >= 0)
  }

  /** I10: t members serve some epoch together. */
  someEpochServes(): boolean {
    for (const epoch of this.#made())
      for (const node of this.#world.nodes)
        if (
          node.isUp &&
          this.#world.signing.servers(epoch, node).filter((one) => one.isHonest).length >=
            epoch.record.t
        )
          return true
    return false
  }

  /** Whether a node has valid durable shares of every key of a decided epoch. */
  holds(node: Node, { record, keys }: Epoch, isBlind = false): boolean {
    const held = new Set<string>()
    for (const [key, value] of node.disk.durableRecords) {
      if (!key.startsWith(`pend/${record.e}/${record.k}/`)) continue
      const share = value as Share
      if ((!share.isValid && !isBlind) || share.epochId !== hexOf(record.epochId)) return false
      for (const one of share.keys) held.add(one)
    }
    const all = keys ?? keysOf(this.epochs.get(record.e))
    return all.every(({ keyId }) => held.has(hexOf(keyId)))
  }

  wrote(node: Node, batch: readonly Change[]): void {
    for (const { key, value } of batch) {
      const [family] = key.split('/')
      if (family === 'cert' && value !== undefined) this.#wroteCert(node, value as Families['cert'])
      if (family === 'pend' || family === 'cert' || family === 'share') this.#isDirty = true
      if (family === 'erased' && node.isHonest) this.#receipt(node, Number(key.split('/')[1]))
      if (family === 'abort' && value !== undefined)
        this.#wroteAbort(node, value as Families['abort'])
    }
  }

  #wroteAbort(node: Node, { e, k }: Families['abort']): void {
    this.counts.aborts++
    if (!node.isHonest) return
    this.#aborted.add(`${e}/${k}`)
    if (this.epochs.get(e)?.record.k === k)
      this.broken('I2', `attempt ${k} at epoch ${e} was decided both ways`)
  }

  #wroteCert(node: Node, { cert, keys }: Families['cert']): void {
    if (!node.isHonest) return
    const { record } = cert
    this.certified({
      record,
      hash: this.#world.notary.hash(EpochRecord, record),
      base: baseOfRecord(record),
      cert,
      keys,
    })
  }

  /** I5: only after ACTIVE of q' and the root signature of the epoch after. */
  destroys(node: Node, e: number): void {
    if (!node.isHonest) return
    const next = this.epochs.get(e + 1)
    if (next === undefined) {
      this.broken('I5', `${node.name} erases epoch ${e} without a later one`)
      return
    }
    const { q } = this.#world.numbers(next.record)
    const active = next.record.members.filter(({ guestSig }) => {
      const other = this.#world.nodeOf(hexOf(guestSig))
      return !other.isHonest || other.disk.durable(`active/${e + 1}`) !== undefined
    })
    if (active.length < q)
      this.broken('I5', `${node.name} erases epoch ${e} with ${active.length} active`)
    if (!this.rootSigned.has(hexOf(next.hash)))
      this.broken('I5', `${node.name} erases epoch ${e} without the root signature`)
  }

  /** I8: a receipt is true. */
  #receipt(node: Node, e: number): void {
    for (const key of node.disk.durableRecords.keys())
      if (key.startsWith(`pend/${e}/`))
        this.broken('I8', `${node.name} has a share of epoch ${e} after its receipt`)
  }

  /** I7: what is promised was synced before. */
  sent(node: Node, message: Message): void {
    if (node.isHonest && !isBacked(this.#world, node, message))
      this.broken('I7', `${node.name} sends ${message.type} before it is durable`)
  }

  released(node: Node, keyId: Uint8Array): void {
    const key = hexOf(keyId)
    const e = this.#world.keys.epochOf(keyId)
    this.#world.note(node, () => `releases key ${key.slice(0, 6)} of epoch ${e}`)
    this.counts.released++
    this.releasedKeys.set(key, e)
    for (const epoch of this.epochs.values())
      if (epoch.record.e > e && !keysOf(epoch).some((one) => hexOf(one.keyId) === key))
        this.broken('key', `epoch ${epoch.record.e} lacks a key that is released now`)
  }

  noticed(node: Node, notice: Notice): void {
    this.notices.push({ node, notice })
    if (notice.about === 'fork')
      this.broken('I2', `${node.name} sees two certificates of epoch ${notice.e}`)
    if (notice.about !== 'evidence' || notice.what !== 'two-votes') return
    const accused = this.#entry(notice.of)
    if (accused?.isHonest)
      this.broken('equiv', `${node.name} convicts ${accused.name}, which is honest`)
  }

  #entry(index: number): Node | undefined {
    for (const { record } of this.epochs.values()) {
      const member = record.members.find((one) => one.index === index)
      if (member !== undefined) return this.#world.nodeOf(hexOf(member.guestSig))
    }
    return undefined
  }

  afterEvent(_node: Node): void {
    if (!this.#isDirty) return
    this.#isDirty = false
    this.#someEpochLives()
  }

  /** I1: the honest members of some epoch hold t valid durable shares of it. */
  #someEpochLives(): void {
    if (this.#made().length === 0) return
    for (const epoch of this.#made()) {
      const holders = epoch.record.members.filter(({ guestSig }) => {
        const node = this.#world.nodeOf(hexOf(guestSig))
        return !node.isDestroyed && node.vices.size === 0 && this.holds(node, epoch)
      })
      if (holders.length >= epoch.record.t) return
    }
    this.broken('I1', 'no epoch has t valid durable shares')
  }
}

/** What each promise rests on, on the sender's disk (03 §4.1, column "durable before it"). */
function isBacked(world: World, node: Node, message: Message): boolean {
  const durable = (key: string): unknown => node.disk.durable(key)
  switch (message.type) {
    case 'answer': {
      const { index, proposalHash, seq } = message.answer.object
      const own = durable(`ans/${hexOf(proposalHash)}`) as Families['ans'] | undefined
      return own === undefined || own.object.index !== index || own.object.seq >= seq
    }
    case 'start': {
      const { e, k } = message.start.object
      const own = durable(`att/${e}/${k}`) as Families['att'] | undefined
      return own?.started.start === message.start
    }
    case 'frozen': {
      const { e, k } = message.frozen.object
      return (
        (durable(`frozen/${e}/${k}`) as Families['frozen'] | undefined)?.frozen === message.frozen
      )
    }
    case 'ready': {
      const { e, k } = message.ready.object
      return (durable(`ready/${e}/${k}`) as Families['ready'] | undefined) === message.ready
    }
    case 'vote':
      return isVoteBacked(world, node, message)
    case 'close': {
      const { e } = message.close.object
      return (
        durable(`closed/${e}`) !== undefined ||
        durable(`handoff/${e}`) !== undefined ||
        message.close.object.index !== ownIndex(node)
      )
    }
    case 'active':
      return (
        message.active.object.index !== ownIndex(node) ||
        durable(`active/${message.active.object.e}`) !== undefined
      )
    case 'held':
      return (
        durable(`key/${node.member?.state.base.record.e}/${hexOf(message.held.object.keyId)}`) !==
        undefined
      )
    default:
      return true
  }
}

const ownIndex = (node: Node): number | undefined =>
  node.member?.state.base.record.members.find(({ guestSig }) => hexOf(guestSig) === node.address)
    ?.index

/** The bytes of a vote stand in the record of its instance, or the record holds a later round or the decision. */
function isVoteBacked(
  world: World,
  node: Node,
  { e, k, bytes }: Message & { type: 'vote' },
): boolean {
  const stored = node.disk.durable(`qb/${e}/${k}`)
  const base = world.observer.epochs.get(e - 1)
  if (!(stored instanceof Uint8Array) || base === undefined) return false
  const iid = epochInstanceId(world.committeeId, e, k, base.hash)
  const record = decodeQbftRecord(iid, stored)
  const message = decodeMessage(bytes)
  if (message.type === 'decide') return record.decision !== null
  return (
    Object.values(record.sent).some((sent) => hexOf(sent) === hexOf(bytes)) ||
    record.round > message.vote.round ||
    record.decision !== null
  )
}

/** The keys of an epoch that this world has seen from its beginning. */
export function keysOf(epoch: Epoch | undefined): readonly HeldKey[] {
  if (epoch === undefined || epoch.keys === null) throw new Error('bug: an epoch without its keys')
  return epoch.keys
}
