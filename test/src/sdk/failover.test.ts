import assert from 'node:assert/strict'
import { firstAnswer } from '../../../src/sdk/failover.ts'
import { HoldfastError } from '../../../src/sdk/holdfast-error.ts'

const HEDGE_MS = 5
const open = new AbortController().signal
const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

/** Asks nodes that act as told, and notes who was asked and whose call was given up. */
function asking(acts: Record<string, () => Promise<string>>): {
  asked: string[]
  given: Map<string, AbortSignal>
  ask: (node: string, signal: AbortSignal) => Promise<string>
} {
  const asked: string[] = []
  const given = new Map<string, AbortSignal>()
  const ask = (node: string, signal: AbortSignal): Promise<string> => {
    asked.push(node)
    given.set(node, signal)
    return (acts[node] ?? never)()
  }
  return { asked, given, ask }
}

describe('firstAnswer()', () => {
  it('asks a second node when the first says nothing, and gives the slow one up', async () => {
    const { asked, given, ask } = asking({ a: never, b: async () => 'b' })
    assert.equal(await firstAnswer(['a', 'b', 'c'], ask, { signal: open, hedgeMs: HEDGE_MS }), 'b')
    assert.deepEqual(asked, ['a', 'b'])
    assert.equal(given.get('a')?.aborted, true)
  })

  it('asks at most two at a time', async () => {
    const third = Promise.withResolvers<string>()
    const second = Promise.withResolvers<string>()
    const { asked, ask } = asking({ a: never, b: () => second.promise, c: () => third.promise })
    const answer = firstAnswer(['a', 'b', 'c'], ask, { signal: open, hedgeMs: HEDGE_MS })
    while (asked.length < 2) await new Promise(setImmediate)
    assert.deepEqual(asked, ['a', 'b'])
    second.reject(new HoldfastError('OVERLOADED'))
    while (asked.length < 3) await new Promise(setImmediate)
    third.resolve('c')
    assert.equal(await answer, 'c')
  })

  const busyFor = (retryAfterMs?: number) => () =>
    Promise.reject(
      new HoldfastError('OVERLOADED', { details: { node: 'x', said: { retryAfterMs } } }),
    )

  it('asks a second node at once when the first has too much to do, and a third when the second wants it', async () => {
    const caller = new AbortController()
    const { asked, ask } = asking({ a: busyFor(60_000), b: busyFor(60_000), c: async () => 'c' })
    const options = { signal: caller.signal, hedgeMs: 60_000 }
    const answer = firstAnswer(['a', 'b', 'c'], ask, options)
    answer.catch(() => undefined)
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    assert.deepEqual(asked, ['a', 'b'])
    caller.abort(new Error('enough'))
    await assert.rejects(answer, /enough/)

    const soon = asking({ a: busyFor(60_000), b: busyFor(1), c: async () => 'c' })
    assert.equal(await firstAnswer(['a', 'b', 'c'], soon.ask, { signal: open }), 'c')
  })

  it('asks no node twice, however many have too much to do', async () => {
    const acts = Object.fromEntries(['a', 'b', 'c', 'd'].map((node) => [node, busyFor(1)]))
    const { asked, ask } = asking(acts)
    await assert.rejects(firstAnswer(['a', 'b', 'c', 'd'], ask, { signal: open }), {
      id: 'OVERLOADED',
      retryable: true,
    })
    assert.deepEqual(asked, ['a', 'b', 'c', 'd'])
  })

  it('takes the slow first answer when it comes before the second', async () => {
    const first = Promise.withResolvers<string>()
    const { asked, ask } = asking({ a: () => first.promise, b: never })
    const answer = firstAnswer(['a', 'b'], ask, { signal: open, hedgeMs: HEDGE_MS })
    while (asked.length < 2) await new Promise(setImmediate)
    first.resolve('a')
    assert.equal(await answer, 'a')
  })

  const refuse = (id: string) => () => Promise.reject(new HoldfastError(id))

  it('stops when f+1 nodes refuse, whoever else is still asked', async () => {
    const refuses = refuse('AUTH_FAILED')
    const { asked, ask } = asking({ a: never, b: refuses, c: refuses })
    const refusals = 2
    await assert.rejects(
      firstAnswer(['a', 'b', 'c', 'd'], ask, { signal: open, hedgeMs: HEDGE_MS, refusals }),
      { id: 'AUTH_FAILED', retryable: false },
    )
    assert.deepEqual(asked, ['a', 'b', 'c'])
  })

  it('goes on to a node that answers when one node refuses, and says which did', async () => {
    const { asked, ask } = asking({ liar: refuse('AUTH_FAILED'), good: async () => 'good' })
    const refused: string[] = []
    const onRefused = (node: string): void => void refused.push(node)
    const options = { signal: open, hedgeMs: HEDGE_MS, refusals: 2, onRefused }
    assert.equal(await firstAnswer(['liar', 'good'], ask, options), 'good')
    assert.deepEqual(asked, ['liar', 'good'])
    assert.deepEqual(refused, ['liar'])
  })

  it('takes the refusal of the only node given, and that of all where fewer than f+1 are', async () => {
    const { ask } = asking({ a: refuse('NONCE_REUSED'), b: refuse('AUTH_FAILED') })
    const options = { signal: open, hedgeMs: HEDGE_MS, refusals: 2 }
    const final = { id: 'NONCE_REUSED', retryable: false }
    await assert.rejects(firstAnswer(['a'], ask, options), final)
    await assert.rejects(firstAnswer(['a', 'b'], ask, { ...options, refusals: 3 }), final)
  })

  it('calls a refusal by too few nodes no final one', async () => {
    const { ask } = asking({ a: refuse('AUTH_FAILED'), b: refuse('NO_NODE'), c: refuse('NO_NODE') })
    const options = { signal: open, hedgeMs: HEDGE_MS, refusals: 2 }
    await assert.rejects(firstAnswer(['a', 'b', 'c'], ask, options), (error: HoldfastError) => {
      assert.equal(error.id, 'AUTH_FAILED')
      assert.equal(error.retryable, true)
      assert.match(error.message, /1 of the 2/)
      return true
    })
    const busy = asking({ a: refuse('AUTH_FAILED'), b: refuse('MPC_QUORUM') })
    await assert.rejects(firstAnswer(['a', 'b'], busy.ask, options), { id: 'MPC_QUORUM' })
  })

  it('prefers what a node said to a bad signature, and that to silence', async () => {
    const fail = (id: string) => () => Promise.reject(new HoldfastError(id))
    const { ask } = asking({
      silent: fail('NO_NODE'),
      lies: fail('SIGNATURE_INVALID'),
      busy: fail('OVERLOADED'),
    })
    const worst = (nodes: string[], id: string): Promise<void> =>
      assert.rejects(firstAnswer(nodes, ask, { signal: open, hedgeMs: HEDGE_MS }), { id })
    await worst(['silent', 'lies', 'busy'], 'OVERLOADED')
    await worst(['busy', 'lies', 'silent'], 'OVERLOADED')
    await worst(['lies', 'silent'], 'SIGNATURE_INVALID')
    await worst(['silent'], 'NO_NODE')
  })

  it('ends when its signal is aborted, though no node answers', async () => {
    const caller = new AbortController()
    const ask = (_: string, signal: AbortSignal): Promise<string> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
    const answer = firstAnswer(['a'], ask, { signal: caller.signal, hedgeMs: HEDGE_MS })
    caller.abort(new Error('enough'))
    await assert.rejects(answer, /enough/)
  })

  it('ends when its signal is aborted, though the last node left looks at no signal', async () => {
    const caller = new AbortController()
    const { asked, ask } = asking({ a: never })
    const answer = firstAnswer(['a'], ask, { signal: caller.signal, hedgeMs: HEDGE_MS })
    while (asked.length < 1) await new Promise(setImmediate)
    caller.abort(new Error('enough'))
    await assert.rejects(answer, /enough/)
  })
})
