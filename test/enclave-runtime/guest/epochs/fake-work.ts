import { x25519 } from '@noble/curves/ed25519.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type {
  AttemptFacts,
  EpochName,
  EpochWork,
  WorkEvents,
} from '../../../../enclave-runtime/guest/epochs/epoch-work.ts'
import { rootDigest } from '../../../../protocols/agreement/chain/root-key.ts'
import type { Task } from '../../../../protocols/agreement/epoch/effects.ts'
import type { HeldKey } from '../../../../protocols/agreement/epoch/held-key.ts'
import type { EpochRecord } from '../../../../protocols/agreement/objects/record.ts'

const textOf = ({ e, k }: EpochName): string => `${e}/${k}`
const hash = (text: string): Uint8Array => blake3(utf8ToBytes(text))

/** The root key that attempt k at epoch 0 makes, and its secret, which nobody has in one place in a real network. */
const rootSecretOf = (epochId: Uint8Array): Uint8Array =>
  blake3(concatBytes(utf8ToBytes('root'), epochId))

interface Run {
  readonly task: Task
  readonly asked: Set<FakeWork>
  isDone: boolean
}

/** Pair setups, chunks and tests of a whole network without their mathematics: done once everybody who must be there asked. */
export class FakeShares {
  readonly #runs = new Map<string, Run>()
  readonly #after: (ms: number, run: () => void) => void
  readonly #facts = new Map<string, AttemptFacts>()
  readonly rootKeys: Map<string, Uint8Array> = new Map()
  /** Keys that come to those of epoch 1, as if they had been made before: a machine does not look behind their root. */
  readonly more: HeldKey[] = []

  constructor(after: (ms: number, run: () => void) => void) {
    this.#after = after
  }

  know(facts: AttemptFacts): void {
    this.#facts.set(textOf(facts.epoch), facts)
  }

  factsOf(epoch: EpochName): AttemptFacts | undefined {
    return this.#facts.get(textOf(epoch))
  }

  ask(work: FakeWork, task: Task): void {
    const what =
      task.kind === 'chunk' ? task.chunk : task.kind === 'tests' ? bytesToHex(task.recordHash) : ''
    const name = `${bytesToHex(task.epochId)}/${task.kind}/${what}`
    const run = this.#runs.get(name) ?? { task, asked: new Set<FakeWork>(), isDone: false }
    this.#runs.set(name, run)
    run.asked.add(work)
    if (run.isDone && task.kind !== 'chunk' && task.kind !== 'root')
      work.finish(task, new Uint8Array(32))
    else this.#look(run)
  }

  #look(run: Run): void {
    const facts = this.#facts.get(textOf(run.task))
    if (run.isDone || facts === undefined) return
    const isDealt = run.task.kind === 'chunk' || run.task.kind === 'root'
    const old = isDealt ? facts.oldMembers.filter(({ index }) => facts.dealers.includes(index)) : []
    const here = new Set([...run.asked].filter(({ isUp }) => isUp).map(({ name }) => name))
    const needed = [...facts.members, ...old].map(({ guestSig }) => bytesToHex(guestSig))
    if (!needed.every((name) => here.has(name))) return
    run.isDone = true
    const transcript = isDealt
      ? hash(`${bytesToHex(run.task.epochId)}/${run.task.kind === 'chunk' ? run.task.chunk : 0}`)
      : new Uint8Array(32)
    this.#after(5, () => {
      for (const work of run.asked) work.finish(run.task, transcript)
    })
  }
}

/** What one guest would hold of shares: chunks by attempt. Survives its processes. */
export type FakeDisk = Map<string, Map<number, Uint8Array>>

/** The rooms that hold shares, for one process of one guest. */
export class FakeWork implements EpochWork {
  readonly name: string
  isUp = true
  readonly activated: EpochName[] = []
  readonly released: Uint8Array[] = []
  readonly #shares: FakeShares
  readonly #disk: FakeDisk
  readonly #events: WorkEvents
  readonly #wished: () => readonly string[]

  constructor(
    name: string,
    shares: FakeShares,
    disk: FakeDisk,
    events: WorkEvents,
    unfit: () => readonly string[] = () => [],
  ) {
    this.name = name
    this.#shares = shares
    this.#disk = disk
    this.#events = events
    this.#wished = unfit
  }

  async attempt(facts: AttemptFacts): Promise<void> {
    this.#shares.know(facts)
    const name = textOf(facts.epoch)
    this.#disk.set(name, this.#disk.get(name) ?? new Map())
  }

  begin(task: Task): void {
    this.#shares.ask(this, task)
  }

  finish(task: Task, transcript: Uint8Array): void {
    if (!this.isUp) return
    const { e, k, epochId, kind } = task
    const chunk = task.kind === 'chunk' ? task.chunk : 0
    const facts = this.#shares.factsOf(task)
    const isReceiver = facts?.members.some(({ guestSig }) => bytesToHex(guestSig) === this.name)
    if ((kind === 'chunk' || kind === 'root') && isReceiver === true)
      this.#disk.get(textOf(task))?.set(chunk, transcript)
    this.#events.taskDone({ e, k, epochId, kind, chunk, transcript })
  }

  workedWith(): boolean {
    return true
  }

  async drop(epoch: EpochName): Promise<void> {
    this.#disk.delete(textOf(epoch))
  }

  activate(epoch: EpochName, _record: EpochRecord): void {
    this.activated.push(epoch)
  }

  async destroy(epoch: EpochName): Promise<void> {
    this.#disk.delete(textOf(epoch))
  }

  signRoot(_epoch: EpochName, recordHash: Uint8Array): void {
    const facts = this.#shares.factsOf({ e: 0, k: this.#genesisAttempt() })
    if (facts === undefined) return
    const digest = rootDigest('epoch-active', recordHash)
    const signed = secp256k1.sign(digest, rootSecretOf(facts.epochId), {
      prehash: false,
      format: 'recovered',
    })
    const signature = concatBytes(signed.subarray(1), signed.subarray(0, 1))
    this.#events.rootSigned({ recordHash, signature })
  }

  prekey(epoch: EpochName): Uint8Array {
    if (!this.#disk.has(textOf(epoch))) throw new Error('bug: no such attempt')
    return x25519.getPublicKey(hash(`${this.name}/${textOf(epoch)}`))
  }

  holdsShares(epoch: EpochName): boolean {
    return (this.#disk.get(textOf(epoch))?.size ?? 0) > 0
  }

  durableChunks(epoch: EpochName): ReadonlyMap<number, Uint8Array> {
    return this.#disk.get(textOf(epoch)) ?? new Map()
  }

  reshared(epoch: EpochName, keys: readonly HeldKey[]): readonly HeldKey[] {
    const all = epoch.e === 1 ? [...keys, ...this.#shares.more] : keys
    return all.map((key) => ({
      ...key,
      commitmentHash: blake3(concatBytes(utf8ToBytes(textOf(epoch)), key.keyId)),
    }))
  }

  rootKey(epoch: EpochName): ReturnType<EpochWork['rootKey']> {
    const facts = this.#shares.factsOf(epoch)
    if (facts === undefined || !this.holdsShares(epoch)) return undefined
    this.#shares.rootKeys.set(textOf(epoch), facts.epochId)
    const publicKey = secp256k1.getPublicKey(rootSecretOf(facts.epochId))
    return {
      keyId: blake3(publicKey),
      curve: 1,
      publicKey,
      chainCode: hash('chain code'),
      commitment: hash(`commitment of ${textOf(epoch)}`),
    }
  }

  certify(): void {}

  closeLog(e: number): void {
    this.#events.logClosed(e)
  }

  release(keyId: Uint8Array): void {
    this.released.push(keyId)
  }

  unfit(): readonly string[] {
    return this.#wished()
  }

  /** The attempt that made epoch 0 in this network. */
  #genesisAttempt(): number {
    const made = [...this.#shares.rootKeys.keys()].map((name) => Number(name.split('/')[1]))
    return Math.max(1, ...made)
  }
}
