import assert from 'node:assert/strict'
import { CertCache } from '../../../../src/node/committee/cert-cache.ts'

const soon = () => AbortSignal.timeout(5_000)

describe('CertCache', () => {
  it('asks for each epoch once, for all who want it at once and later', async () => {
    const asked: number[] = []
    const cache = new CertCache(
      async (e) => {
        asked.push(e)
        return Uint8Array.of(e)
      },
      () => 2,
    )
    const all = await Promise.all([
      cache.get(1, soon()),
      cache.get(1, soon()),
      cache.get(2, soon()),
    ])
    assert.deepEqual(all, [Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(2)])
    assert.deepEqual(await cache.get(1, soon()), Uint8Array.of(1))
    assert.deepEqual(asked, [1, 2])
  })

  it('asks nobody for epochs that cannot be, and again for one that was not known', async () => {
    let known = false
    let asked = 0
    const cache = new CertCache(
      async () => {
        asked++
        return known ? Uint8Array.of(9) : null
      },
      () => 0,
    )
    assert.equal(await cache.get(1, soon()), null)
    assert.equal(asked, 0)
    assert.equal(await cache.get(0, soon()), null)
    known = true
    assert.deepEqual(await cache.get(0, soon()), Uint8Array.of(9))
    assert.equal(asked, 2)
  })

  it('asks for eight at once at most, forgets a failure, and keeps eight MiB', async () => {
    const waiting: PromiseWithResolvers<Uint8Array | null>[] = []
    const cache = new CertCache(
      () => {
        const answer = Promise.withResolvers<Uint8Array | null>()
        waiting.push(answer)
        return answer.promise
      },
      () => 1_000,
    )
    const first = Array.from({ length: 8 }, (_, e) => cache.get(e, soon()))
    await assert.rejects(cache.get(8, AbortSignal.abort()))
    const ninth = cache.get(8, soon())
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(waiting.length, 8)
    waiting[0]?.reject(new Error('gone'))
    await assert.rejects(first[0] ?? Promise.resolve())
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(waiting.length, 9)
    for (const { resolve } of waiting.slice(1)) resolve(new Uint8Array(2 << 20))
    await Promise.all([...first.slice(1), ninth])
    const again = cache.get(1, soon()) // the oldest of eight times two MiB is gone
    assert.equal(waiting.length, 10)
    waiting[9]?.resolve(Uint8Array.of(1))
    assert.deepEqual(await again, Uint8Array.of(1))
    assert.equal((await cache.get(7, soon()))?.length, 2 << 20)
    assert.equal(waiting.length, 10)
  })
})
