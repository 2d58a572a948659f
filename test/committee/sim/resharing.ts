import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { Task } from '../../../protocols/agreement/epoch/effects.ts'
import { hexOf } from '../../../protocols/agreement/epoch/hex-of.ts'
import type { Attempt } from '../../../protocols/agreement/epoch/state.ts'
import { FAULT_CODES } from '../../../protocols/agreement/objects/attempt.ts'
import type { Node } from './node.ts'
import type { World } from './world.ts'

/** A share as this world has it: of which attempt, of which keys, and whether it lies on the polynomial. */
export interface Share {
  readonly epochId: string
  readonly keys: readonly string[]
  readonly isValid: boolean
  readonly transcript: Uint8Array
}

/** Between two looks at whether everybody is there. */
const LOOK_MS = 1_000
/** A setup, a chunk or a test that does not end in this time fails (03 §4.1 S4). */
const PATIENCE_MS = 30_000
/** Sub-attempts of a chunk (03 §4.1 S5). */
const TRIES = 3

interface Run {
  readonly task: Task
  readonly attempt: Attempt
  /** Members that asked, with the process that did. */
  readonly asked: Map<Node, number>
  readonly since: number
  readonly written: Set<string>
  tries: number
  phase: 'gathering' | 'dealt' | 'done' | 'failed'
}

/** Pair setups, chunks and test signatures without their mathematics: who must be there, what is durable when, whose cheat is found. */
export class Resharing {
  readonly #world: World
  readonly #runs = new Map<string, Run>()

  constructor(world: World) {
    this.#world = world
  }

  ask(node: Node, task: Task): void {
    const attempt = node.member?.state.attempts.get(task.k)
    if (attempt === undefined) return
    const name = [
      hexOf(task.epochId),
      task.kind,
      task.kind === 'chunk' ? task.chunk : '',
      task.kind === 'tests' ? hexOf(task.recordHash) : '',
    ].join('/')
    const known = this.#runs.get(name)
    const run: Run = known ?? {
      task,
      attempt,
      asked: new Map(),
      since: this.#world.clock.now,
      written: new Set(),
      tries: 0,
      phase: 'gathering',
    }
    this.#runs.set(name, run)
    run.asked.set(node, node.life)
    if (run.phase === 'done' && this.#mayJoinLate(run, node)) this.#finish(run, node)
    else if (known === undefined) this.#look(run)
    else this.#advance(run)
  }

  /** Setups and tests are made with whoever asks; a chunk that is over cannot be had later. */
  #mayJoinLate(run: Run, node: Node): boolean {
    return !isDealt(run.task) || !this.#receivers(run).includes(node)
  }

  #look(run: Run): void {
    if (run.phase === 'done' || run.phase === 'failed') return
    this.#advance(run)
    if (run.phase === 'gathering' && this.#world.clock.now - run.since > PATIENCE_MS) {
      const missing = this.#needed(run).find((node) => !this.#isHere(run, node))
      this.#fail(run, codeOf(run.task), this.#indexOf(run, missing))
      return
    }
    this.#world.clock.after(LOOK_MS, () => this.#look(run))
  }

  #advance(run: Run): void {
    if (run.phase !== 'gathering') return
    const needed = this.#needed(run)
    if (!needed.every((node) => this.#isHere(run, node))) return
    if (!this.#world.areConnected(needed)) return
    if (isDealt(run.task)) this.#deal(run)
    else if (run.task.kind === 'tests') this.#test(run)
    else this.#end(run)
  }

  #receivers({ attempt }: Run): Node[] {
    return attempt.members.map(({ guestSig }) => this.#world.nodeOf(hexOf(guestSig)))
  }

  #dealers(run: Run): Node[] {
    const before = this.#world.membersBefore(run.attempt)
    const chosen = run.attempt.started.start.object.dealers // everybody where the root key is made
    const others = before.map(({ index }) => index).filter((index) => !chosen.includes(index))
    const now = [...chosen.slice(Math.min(run.tries, others.length)), ...others.slice(0, run.tries)]
    return before
      .filter(({ index }) => now.includes(index))
      .map(({ guestSig }) => this.#world.nodeOf(hexOf(guestSig)))
  }

  #needed(run: Run): Node[] {
    const receivers = this.#receivers(run)
    return isDealt(run.task) ? [...new Set([...receivers, ...this.#dealers(run)])] : receivers
  }

  #isHere(run: Run, node: Node): boolean {
    return node.isUp && run.asked.get(node) === node.life && !node.vices.has('silent')
  }

  /** K1 to K3: a bad deal is found by whoever gets it, and the chunk is made again without its dealer. */
  #deal(run: Run): void {
    const world = this.#world
    const bad = this.#dealers(run).find((node) => node.vices.has('bad-deals'))
    if (bad !== undefined && world.has('proofs')) {
      run.tries++
      world.note(bad, () => 'dealt badly and was named')
      if (run.tries >= TRIES) this.#fail(run, FAULT_CODES.chunk, this.#indexOf(run, bad))
      return
    }
    run.phase = 'dealt'
    const { task } = run
    const transcript = blake3(
      utf8ToBytes(`${hexOf(task.epochId)}/${task.kind === 'chunk' ? task.chunk : 0}/${run.tries}`),
    )
    const victims = world.chances.shares
    for (const node of this.#receivers(run)) {
      const { life } = node
      const isSpoilt = (bad !== undefined && victims.happens(0.6)) || node.vices.has('wrong-share')
      world.clock.after(20 + victims.int(400), () => {
        if (node.life === life) this.#store(run, node, transcript, !isSpoilt)
      })
    }
    world.clock.after(PATIENCE_MS, () => {
      if (run.phase !== 'dealt') return
      const lost = this.#receivers(run).find((node) => !run.written.has(node.address))
      this.#fail(run, FAULT_CODES.chunk, this.#indexOf(run, lost))
    })
  }

  /** `pend`, durable before K3 leaves (03 §4.1 S5); K4 needs the K3 of all. */
  #store(run: Run, node: Node, transcript: Uint8Array, isValid: boolean): void {
    const { task } = run
    if (run.phase !== 'dealt' || (task.kind !== 'chunk' && task.kind !== 'root')) return
    const keys = task.kind === 'chunk' ? task.keys : [this.#world.keys.root(task.epochId).keyId]
    const share: Share = {
      epochId: hexOf(task.epochId),
      keys: keys.map(hexOf),
      isValid,
      transcript,
    }
    const { life } = node
    const chunk = task.kind === 'chunk' ? task.chunk : 0
    node.write([{ key: `pend/${task.e}/${task.k}/${chunk}`, value: share }], true)
    if (node.life !== life) return
    run.written.add(node.address)
    if (this.#receivers(run).every((one) => run.written.has(one.address)))
      this.#end(run, transcript)
  }

  /** S7: a subset with a share that lies elsewhere makes no signature. */
  #test(run: Run): void {
    const { attempt } = run
    const wrong = this.#receivers(run).find((node) =>
      [...node.disk.durableRecords].some(
        ([key, value]) =>
          key.startsWith(`pend/${attempt.e}/${attempt.k}/`) && !(value as Share).isValid,
      ),
    )
    if (wrong !== undefined && this.#world.has('proofs'))
      this.#fail(run, FAULT_CODES.subset, this.#indexOf(run, wrong))
    else this.#end(run)
  }

  #end(run: Run, transcript: Uint8Array = new Uint8Array(32)): void {
    run.phase = 'done'
    run.attempt.transcripts.size
    for (const node of run.asked.keys()) this.#finish(run, node, transcript)
  }

  #finish(run: Run, node: Node, transcript: Uint8Array = new Uint8Array(32)): void {
    if (run.asked.get(node) !== node.life) return
    const { task } = run
    const { e, k, epochId, kind } = task
    const given = isDealt(task) ? (this.#transcripts.get(run) ?? transcript) : transcript
    this.#transcripts.set(run, given)
    node.giveAfter(20 + this.#world.chances.shares.int(600), {
      type: 'task-done',
      e,
      k,
      epochId,
      kind,
      chunk: task.kind === 'chunk' ? task.chunk : 0,
      transcript: given,
    })
  }

  readonly #transcripts = new Map<Run, Uint8Array>()

  #fail(run: Run, code: number, about: number): void {
    run.phase = 'failed'
    const { e, k, epochId, kind } = run.task
    const chunk = run.task.kind === 'chunk' ? run.task.chunk : 0
    for (const [node, life] of run.asked)
      if (node.life === life)
        node.giveAfter(10, { type: 'task-failed', e, k, epochId, kind, chunk, code, about })
  }

  #indexOf({ attempt }: Run, node: Node | undefined): number {
    const entries = [...attempt.members, ...this.#world.membersBefore(attempt)]
    return entries.find(({ guestSig }) => hexOf(guestSig) === node?.address)?.index ?? 0
  }
}

/** Shares of it are dealt, and durable before anybody may rely on them. */
const isDealt = ({ kind }: Task): boolean => kind === 'chunk' || kind === 'root'

const codeOf = (task: Task): number => {
  if (task.kind === 'setups') return FAULT_CODES.pairSetup
  return isDealt(task) ? FAULT_CODES.chunk : FAULT_CODES.subset
}
