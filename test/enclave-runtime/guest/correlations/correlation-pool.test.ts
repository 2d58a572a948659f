import { deepEqual, equal } from 'node:assert/strict'
import { CorrelationPool } from '../../../../enclave-runtime/guest/correlations/correlation-pool.ts'

const BOOT = new Uint8Array(16).fill(1)
const id = (batchNo: number, k: number) => new Uint8Array(16).fill(batchNo, 0, 8).fill(k, 8)
const batchOf = (batchNo: number, count: number, bootId: Uint8Array = BOOT) => ({
  bootId,
  batchNo,
  items: Array.from({ length: count }, (_, k) => ({
    id: id(batchNo, k),
    secret: `${batchNo}/${k}`,
  })),
})

function pool(most = 1024) {
  const wiped: string[] = []
  const of = new CorrelationPool<string>(most, (secret) => wiped.push(secret))
  return { of, wiped }
}

describe('CorrelationPool', () => {
  it('gives each correlation once, oldest first', () => {
    const { of, wiped } = pool()
    of.add(batchOf(1, 2))
    of.add(batchOf(2, 1))
    deepEqual(
      Array.from({ length: 4 }, () => of.take()?.secret),
      ['1/0', '1/1', '2/0', undefined],
    )
    equal(of.ready, 0)
    deepEqual(of.batches, [])
    deepEqual(wiped, []) // what was taken is its taker's
  })

  it('gives a named one once, and knows no other', () => {
    const { of } = pool()
    of.add(batchOf(1, 2))
    equal(of.takeNamed(id(1, 1))?.secret, '1/1')
    equal(of.takeNamed(id(1, 1)), undefined)
    equal(of.takeNamed(id(2, 0)), undefined)
    equal(of.take()?.secret, '1/0')
    equal(of.take(), undefined)
  })

  for (const [most, high] of [
    [1_024, 1_024],
    [1_008, 1_008],
    [1_008, 1_000],
    [512, 1_024],
    [5, 5],
  ] as const)
    it(`of ${most} is filled up to ${high}, or as far as it goes, and nothing is wiped for it`, () => {
      const { of, wiped } = pool(most)
      let batches = 0
      const fill = (): void => {
        for (let count = 0; batches < 5_000; of.add(batchOf(++batches, count))) {
          count = Math.min(16, high - of.ready)
          if (count <= 0 || !of.gains(count)) return
        }
      }
      fill()
      const reached = Math.min(high, most, 1_008)
      equal(of.ready > reached - 16 && of.ready <= reached, true, `${of.ready} of ${reached}`)
      deepEqual(wiped, [])
      for (let taken = 0; taken < 2_000; taken++) {
        of.take()
        fill()
      }
      equal(batches < 3_000, true, `${batches} batches for 2000 that were taken`)
    })

  it('names nothing of a batch that waits for C5', () => {
    const { of } = pool()
    of.await(batchOf(1, 1), () => true)
    equal(of.ready, 0)
    equal(of.take(), undefined)
    deepEqual(of.batches, [1]) // lo may have it
    of.awaitNoMore({ batchNo: 1 })
    of.add(batchOf(1, 1))
    equal(of.take()?.secret, '1/0')
  })

  it('takes a name of a batch that waits for C5 for the word that the peer finished it', () => {
    const { of, wiped } = pool()
    let claims = 0
    of.await(batchOf(1, 3), () => ++claims === 1)
    equal(of.takeNamed(id(2, 0)), undefined)
    equal(claims, 0)
    equal(of.takeNamed(id(1, 2))?.secret, '1/2')
    equal(of.takeNamed(id(1, 2)), undefined)
    equal(of.ready, 2)
    equal(claims, 1)
    deepEqual(wiped, [])
  })

  it('does not know a batch whose run is over', () => {
    const { of, wiped } = pool()
    of.await(batchOf(1, 2), () => false)
    equal(of.takeNamed(id(1, 0)), undefined)
    of.awaitNoMore({ batchNo: 1 })
    deepEqual(of.batches, [])
    of.await(batchOf(2, 2), () => true)
    of.clear()
    equal(of.takeNamed(id(2, 0)), undefined)
    deepEqual(wiped, []) // the run wipes what is its own
  })

  it('spends a name that nobody uses', () => {
    const { of, wiped } = pool()
    of.add(batchOf(1, 2))
    equal(of.spend(id(1, 0)), true)
    equal(of.spend(id(1, 0)), false)
    deepEqual(wiped, ['1/0'])
    equal(of.take()?.secret, '1/1')
  })

  it('wipes the rest of its oldest batch when it is full', () => {
    const { of, wiped } = pool(4)
    of.add(batchOf(1, 2))
    of.take()
    of.add(batchOf(2, 2))
    of.add(batchOf(3, 2))
    deepEqual(wiped, ['1/1'])
    deepEqual(of.batches, [2, 3])
    equal(of.takeNamed(id(1, 1)), undefined)
  })

  it('holds no more batches than it can list', () => {
    const { of } = pool()
    for (let batchNo = 1; batchNo <= 70; batchNo++) of.add(batchOf(batchNo, 1))
    equal(of.batches.length, 63) // one more may wait for C5
    equal(of.batches[0], 8)
  })

  it('drops what the peer does not hold, or held before it started anew', () => {
    const { of, wiped } = pool()
    of.add(batchOf(1, 1))
    of.add(batchOf(2, 1))
    of.add(batchOf(3, 1, new Uint8Array(16).fill(2)))
    of.keepOnly({ bootId: BOOT, batches: [2, 3] })
    deepEqual(of.batches, [2])
    deepEqual(wiped, ['1/0', '3/0'])
  })

  it('is empty after it was cleared', () => {
    const { of, wiped } = pool()
    of.add(batchOf(1, 1))
    of.add(batchOf(2, 1))
    of.clear()
    equal(of.ready, 0)
    deepEqual(wiped, ['1/0', '2/0'])
  })
})
