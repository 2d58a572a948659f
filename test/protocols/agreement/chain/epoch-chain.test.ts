import assert from 'node:assert/strict'
import { EpochChain } from '../../../../protocols/agreement/chain/epoch-chain.ts'
import { joinHash } from '../../../../protocols/agreement/objects/join.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { certify, exampleFirst, exampleJoin, exampleNext } from '../example-epochs.ts'

const first = exampleFirst(5, 3)
const afterFirst = baseOfRecord(first.record)
const join = exampleJoin(afterFirst, 20)
const second = exampleNext(afterFirst, { kind: 1, joins: [joinHash(join)], t: 4 }, [join])
const third = exampleNext(baseOfRecord(second.record), {
  kind: 1,
  leaves: [
    { index: 2, reason: 1 },
    { index: 3, reason: 1 },
  ],
  t: 3,
})

const walked = () => {
  const chain = new EpochChain(first.genesis)
  for (const { cert } of [first, second, third])
    assert.deepEqual(chain.add(cert), { added: 'next' })
  return chain
}

describe('the chain of epochs', () => {
  it('goes from the genesis file over joins and leaves to the newest record', () => {
    const chain = walked()
    assert.deepEqual(chain.newest, third.cert)
    assert.deepEqual(chain.get(1), second.cert)
    assert.equal(chain.get(3), undefined)
    assert.deepEqual(chain.base, baseOfRecord(third.record))
    assert.deepEqual(
      chain.base.members.map(({ index }) => index),
      [1, 4, 5, 6],
    )
  })

  it('takes no epoch before the one it follows, and none twice', () => {
    const chain = new EpochChain(first.genesis)
    const early = chain.add(second.cert)
    assert.equal(early.added === 'refused' && early.broken.rule, 'R1')
    assert.equal(chain.newest, undefined)
    assert.deepEqual(chain.add(first.cert), { added: 'next' })
    assert.deepEqual(chain.add(first.cert), { added: 'known' })
    assert.deepEqual(chain.add({ ...first.cert, commits: [] }), { added: 'known' })
    assert.deepEqual(chain.newest, first.cert)
  })

  it('is not the chain of another network', () => {
    const chain = new EpochChain(exampleFirst(7, 4).genesis)
    assert.equal(chain.add(first.cert).added, 'refused')
    assert.throws(() => new EpochChain(new Uint8Array(3)), DecodeError)
  })

  it('gives two certificates of one epoch as evidence, and keeps the first', () => {
    const chain = walked()
    const rival = exampleNext(afterFirst, { nonce: new Uint8Array(16) })
    const found = chain.add(rival.cert)
    assert.deepEqual(found, {
      added: 'fork',
      fork: { e: 1, first: second.cert, second: rival.cert, inBoth: [1, 2, 3, 4] },
    })
    assert.deepEqual(chain.get(1), second.cert)
    const elsewhere = {
      ...rival.cert,
      commits: rival.cert.commits.slice(1).concat([[5, new Uint8Array(64)]]),
    }
    assert.equal(chain.add(elsewhere).added, 'refused') // what is not valid convicts nobody
  })

  it('names who voted for both', () => {
    const chain = walked()
    const rival = exampleNext(afterFirst, { nonce: new Uint8Array(16) })
    const all = certify(afterFirst, rival.record, 5)
    const found = chain.add({ ...all, commits: all.commits.slice(1) })
    assert.ok(found.added === 'fork')
    assert.deepEqual(found.fork.inBoth, [2, 3, 4])
  })
})
