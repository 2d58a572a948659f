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
    of.add(batchOf(1, 2), true)
    of.add(batchOf(2, 1), true)
    deepEqual(
      Array.from({ length: 4 }, () => of.take()?.secret),
      ['1/0', '1/1', '2/0', undefined],
    )
    equal(of.size, 0)
    deepEqual(of.batches, [])
    deepEqual(wiped, []) // what was taken is its taker's
  })

  it('gives a named one once, and knows no other', () => {
    const { of } = pool()
    of.add(batchOf(1, 2), true)
    equal(of.takeNamed(id(1, 1))?.secret, '1/1')
    equal(of.takeNamed(id(1, 1)), undefined)
    equal(of.takeNamed(id(2, 0)), undefined)
    equal(of.take()?.secret, '1/0')
    equal(of.take(), undefined)
  })

  it('names nothing of a batch that the peer may not have finished', () => {
    const { of } = pool()
    of.add(batchOf(1, 1), false)
    equal(of.ready, 0)
    equal(of.take(), undefined)
    of.confirm(1)
    equal(of.ready, 1)
    equal(of.take()?.secret, '1/0')
  })

  it('takes a name of an unconfirmed batch for the word that the peer finished it', () => {
    const { of, wiped } = pool()
    of.add(batchOf(1, 3), false)
    equal(of.takeNamed(id(1, 2))?.secret, '1/2')
    equal(of.ready, 2)
    of.abandon(1) // the deadline for C5 passes: too late
    equal(of.ready, 2)
    deepEqual(wiped, [])
  })

  it('wipes a batch whose C5 never came', () => {
    const { of, wiped } = pool()
    of.add(batchOf(1, 2), false)
    of.abandon(1)
    equal(of.size, 0)
    deepEqual(wiped, ['1/0', '1/1'])
  })

  it('spends a name that nobody uses', () => {
    const { of, wiped } = pool()
    of.add(batchOf(1, 2), true)
    equal(of.spend(id(1, 0)), true)
    equal(of.spend(id(1, 0)), false)
    deepEqual(wiped, ['1/0'])
    equal(of.take()?.secret, '1/1')
  })

  it('wipes the rest of its oldest batch when it is full', () => {
    const { of, wiped } = pool(4)
    of.add(batchOf(1, 2), true)
    of.take()
    of.add(batchOf(2, 2), true)
    of.add(batchOf(3, 2), true)
    deepEqual(wiped, ['1/1'])
    deepEqual(of.batches, [2, 3])
    equal(of.takeNamed(id(1, 1)), undefined)
  })

  it('holds no more batches than it can list', () => {
    const { of } = pool()
    for (let batchNo = 1; batchNo <= 70; batchNo++) of.add(batchOf(batchNo, 1), true)
    equal(of.batches.length, 64)
    equal(of.batches[0], 7)
  })

  it('drops what the peer does not hold, or held before it started anew', () => {
    const { of, wiped } = pool()
    of.add(batchOf(1, 1), true)
    of.add(batchOf(2, 1), true)
    of.add(batchOf(3, 1, new Uint8Array(16).fill(2)), true)
    of.keepOnly({ bootId: BOOT, batches: [2, 3] })
    deepEqual(of.batches, [2])
    deepEqual(wiped, ['1/0', '3/0'])
  })

  it('is empty after it was cleared', () => {
    const { of, wiped } = pool()
    of.add(batchOf(1, 1), true)
    of.add(batchOf(2, 1), false)
    of.clear()
    equal(of.size, 0)
    deepEqual(wiped, ['1/0', '2/0'])
  })
})
