import { createHash } from 'node:crypto'
import type { AnyHandle, Handle, HandleKind, Kernel } from '../../protocols/kernel/kernel.ts'
import type { Secrets } from '../../protocols/kernel/reference/secrets.ts'
import { seeded } from './seeded.ts'
import { type OpenKernel, openKernel } from './trusted-setup.ts'

/** The result of a slow operation: its public bytes, and a copy of the secret that it made. */
interface Memory {
  readonly bytes: Uint8Array
  readonly secret: object
}

const memories = new Map<string, Memory>()

/**
 * A reference kernel that does not repeat the slow steps of pair setup and multiplication for inputs it has
 * seen: a table of cheats runs the same honest rounds over and over. What an operation draws depends on its name and
 * on how often it was asked for, not on what was skipped before. Secrets are copied into the kernel's own
 * slots, so that `held` counts, and handles are consumed, as without it. Failures are never remembered.
 */
export function memoKernel(seed: string): OpenKernel {
  let draw = seeded(seed)
  const calls = new Map<string, number>()
  const { kernel, slots } = openKernel((length) => draw(length))

  /** Prepares what operation `name` draws; the result names this call. */
  const begin = (name: string): string => {
    const count = (calls.get(name) ?? 0) + 1
    calls.set(name, count)
    draw = seeded(`${seed}/${name}/${count}`)
    return `${seed}/${name}/${count}`
  }

  /** Known already, or worked out by `work` and remembered: bytes, and a handle to the secret. */
  const recall = <Kind extends HandleKind, Failure extends string>(
    name: string,
    kind: Kind,
    work: () => { bytes: Uint8Array; handle: Handle<Kind> } | Failure,
  ): { bytes: Uint8Array; handle: Handle<Kind> } | Failure => {
    const known = memories.get(name)
    if (known !== undefined) {
      const secret = structuredClone(known.secret) as Secrets[Kind]
      return { bytes: known.bytes.slice(), handle: slots.put(kind, secret) }
    }
    const result = work()
    if (typeof result === 'string') return result
    const secret = structuredClone(slots.get(result.handle, kind))
    memories.set(name, { bytes: result.bytes.slice(), secret })
    return result
  }

  /** The steps of a long operation are one step here, known by the name that its beginning had. */
  const names = new Map<AnyHandle, string>()
  const start = <Begun extends AnyHandle | 'malformed'>(name: string, begun: Begun): Begun => {
    if (begun !== 'malformed') names.set(begun, name)
    return begun
  }
  const finish = (state: AnyHandle): string => {
    const name = names.get(state) ?? 'never begun'
    names.delete(state)
    return name
  }

  const memo: Kernel = {
    ...kernel,
    get held() {
      return kernel.held
    },
    pairSend() {
      begin('pairSend')
      return kernel.pairSend()
    },
    signBegin() {
      begin('signBegin')
      return kernel.signBegin()
    },
    pairReceiveBegin(sid, A) {
      const name = nameOf(begin('pairReceive'), sid, A)
      return start(name, kernel.pairReceiveBegin(sid, A))
    },
    pairReceiveStep(receiving) {
      const name = finish(receiving)
      if (memories.has(name)) slots.wipe(receiving)
      const result = recall<'receiver', never>(name, 'receiver', () => {
        const received = last(() => kernel.pairReceiveStep(receiving))
        return { bytes: received.phi, handle: received.receiver }
      })
      return { phi: result.bytes, receiver: result.handle }
    },
    pairBuildBegin(sender, sid, phi) {
      const name = nameOf('pairBuild', bytesOf(slots.get(sender, 'sender').a), sid, phi)
      return start(name, kernel.pairBuildBegin(sender, sid, phi))
    },
    pairBuildStep(building) {
      const name = finish(building)
      if (memories.has(name)) slots.wipe(building)
      const result = recall(name, 'bob', () => {
        const built = last(() => kernel.pairBuildStep(building))
        return built === 'malformed' ? built : { bytes: built.pprf, handle: built.bob }
      })
      return result === 'malformed' ? result : { pprf: result.bytes, bob: result.handle }
    },
    rvoleBob(bob, sid) {
      const { leaves } = slots.get(bob, 'bob')
      const name = nameOf(begin('rvoleBob'), words(leaves), sid)
      const result = recall<'choice', never>(name, 'choice', () => {
        const { m1, choice } = kernel.rvoleBob(bob, sid)
        return { bytes: m1, handle: choice }
      })
      return { m1: result.bytes, choice: result.handle }
    },
    rvoleAlice(alice, sid, m1, input) {
      const { leaves, delta } = slots.get(alice, 'alice')
      const factors = input
        ? [slots.get(input.nonce, 'nonce').r, slots.get(input.key, 'key').sk]
        : [] // drawn, and what is drawn follows from the name
      const inputs = [words(leaves), delta, sid, m1, ...factors.map(bytesOf)]
      const result = recall(nameOf(begin('rvoleAlice'), ...inputs), 'alice-product', () => {
        const answered = kernel.rvoleAlice(alice, sid, m1, input)
        if (typeof answered === 'string') return answered
        return { bytes: answered.m2, handle: answered.product }
      })
      return typeof result === 'string' ? result : { m2: result.bytes, product: result.handle }
    },
    rvoleBobFinish(choice, m2) {
      const { sid, beta, b } = slots.get(choice, 'choice')
      const name = nameOf('rvoleBobFinish', sid, beta, bytesOf(b), m2)
      if (memories.has(name)) slots.wipe(choice)
      const result = recall(name, 'bob-product', () => {
        const finished = kernel.rvoleBobFinish(choice, m2)
        return typeof finished === 'string'
          ? finished
          : { bytes: new Uint8Array(), handle: finished }
      })
      return typeof result === 'string' ? result : result.handle
    },
  }
  return { kernel: memo, slots }
}

function last<Result>(step: () => Result | undefined): Result {
  let result = step()
  while (result === undefined) result = step()
  return result
}

const bytesOf = (scalar: bigint): Uint8Array => Buffer.from(scalar.toString(16))

const words = ({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

const nameOf = (what: string, ...inputs: readonly Uint8Array[]): string =>
  inputs
    .reduce(
      (hash, input) => hash.update(`${input.length}/`).update(input),
      createHash('sha256').update(`${what}/`),
    )
    .digest('hex')
