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
    assert.equal(await firstAnswer(['a', 'b', 'c'], ask, open, HEDGE_MS), 'b')
    assert.deepEqual(asked, ['a', 'b'])
    assert.equal(given.get('a')?.aborted, true)
  })

  it('asks at most two at a time', async () => {
    const third = Promise.withResolvers<string>()
    const second = Promise.withResolvers<string>()
    const { asked, ask } = asking({ a: never, b: () => second.promise, c: () => third.promise })
    const answer = firstAnswer(['a', 'b', 'c'], ask, open, HEDGE_MS)
    while (asked.length < 2) await new Promise(setImmediate)
    assert.deepEqual(asked, ['a', 'b'])
    second.reject(new HoldfastError('OVERLOADED'))
    while (asked.length < 3) await new Promise(setImmediate)
    third.resolve('c')
    assert.equal(await answer, 'c')
  })

  it('takes the slow first answer when it comes before the second', async () => {
    const first = Promise.withResolvers<string>()
    const { asked, ask } = asking({ a: () => first.promise, b: never })
    const answer = firstAnswer(['a', 'b'], ask, open, HEDGE_MS)
    while (asked.length < 2) await new Promise(setImmediate)
    first.resolve('a')
    assert.equal(await answer, 'a')
  })

  it('stops at an error that is final, whoever else is still asked', async () => {
    const { ask } = asking({ a: never, b: () => Promise.reject(new HoldfastError('AUTH_FAILED')) })
    await assert.rejects(firstAnswer(['a', 'b', 'c'], ask, open, HEDGE_MS), { id: 'AUTH_FAILED' })
  })

  it('prefers what a node said to a bad signature, and that to silence', async () => {
    const fail = (id: string) => () => Promise.reject(new HoldfastError(id))
    const { ask } = asking({
      silent: fail('NO_NODE'),
      lies: fail('SIGNATURE_INVALID'),
      busy: fail('OVERLOADED'),
    })
    const worst = (nodes: string[], id: string): Promise<void> =>
      assert.rejects(firstAnswer(nodes, ask, open, HEDGE_MS), { id })
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
    const answer = firstAnswer(['a'], ask, caller.signal, HEDGE_MS)
    caller.abort(new Error('enough'))
    await assert.rejects(answer, /enough/)
  })
})
