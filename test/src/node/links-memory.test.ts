import assert from 'node:assert/strict'
import { LinkError } from '../../../src/node/channels/links.ts'
import { MemoryNetwork } from '../../../src/node/links-memory.ts'
import { seeded } from '../../support/seeded.ts'
import { polling, until } from './support/test-network.ts'

const soon = (): AbortSignal => AbortSignal.timeout(5_000)

/** Numbers in [0, 1) that repeat with the seed. */
function numbers(seed: string): () => number {
  const random = seeded(seed)
  return () => new DataView(random(4).buffer).getUint32(0) / 2 ** 32
}

describe('MemoryNetwork', () => {
  let network: MemoryNetwork
  afterEach(() => network.stop())

  async function send(count: number): Promise<number[]> {
    const got: number[] = []
    network.links('b').onEnvelope(async (_from, envelope) => {
      got.push(envelope[0] ?? -1)
    })
    for (let i = 0; i < count; i++)
      await network.links('a').send('b', Uint8Array.of(i), 'urgent', soon())
    return got
  }

  it('keeps the order of what one peer sends, whatever the delays', async () => {
    network = new MemoryNetwork(['a', 'b'], { random: numbers('order'), delayMs: [0, 20] })
    const got = await send(50)
    await until(() => got.length === 50, polling)
    assert.deepEqual(got, [...Array(50).keys()])
  })

  it('lets envelopes overtake when told to', async () => {
    network = new MemoryNetwork(['a', 'b'], {
      random: numbers('x'),
      delayMs: [0, 20],
      reorder: true,
    })
    const got = await send(50)
    await until(() => got.length === 50, polling)
    assert.notDeepEqual(got, [...Array(50).keys()])
  })

  it('loses the same envelopes with the same seed', async () => {
    const lost: number[][] = []
    for (let run = 0; run < 2; run++) {
      network = new MemoryNetwork(['a', 'b'], { random: numbers('loss'), loss: 0.3 })
      const got = await send(100)
      await network.links('a').send('b', Uint8Array.of(255), 'urgent', soon())
      let before = -1
      await until(() => {
        const isQuiet = got.length === before
        before = got.length
        return isQuiet && got.length > 0
      }, polling)
      network.stop()
      lost.push(got)
    }
    assert.deepEqual(lost[0], lost[1])
    assert.ok((lost[0]?.length ?? 0) > 40 && (lost[0]?.length ?? 0) < 95)
  })

  it('says UNREACHABLE across a cut, tells both sides, and heals', async () => {
    network = new MemoryNetwork(['a', 'b'], { random: numbers('cut') })
    const told: [string, boolean][] = []
    network.links('a').onState((peer, { up }) => told.push([peer, up]))
    network.cut('a', 'b')
    await assert.rejects(
      network.links('a').send('b', Uint8Array.of(1), 'urgent', soon()),
      (error: unknown) => error instanceof LinkError && error.code === 'UNREACHABLE',
    )
    network.heal('a', 'b')
    const got = await send(1)
    await until(() => got.length === 1, polling)
    assert.deepEqual(told, [
      ['b', false],
      ['b', true],
    ])
  })
})
