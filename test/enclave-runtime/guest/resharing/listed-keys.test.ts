import assert from 'node:assert/strict'
import { leafOf } from '../../../../enclave-runtime/guest/resharing/key-leaf.ts'
import { listedKeys } from '../../../../enclave-runtime/guest/resharing/listed-keys.ts'
import { dealtKeys } from './dealt-keys.ts'

describe('listedKeys()', () => {
  it('finds the keys of cut and tail of an attempt at the next epoch, and no others', () => {
    const [first, second, other] = dealtKeys('listed', 3, 2).map(leafOf)
    assert.ok(first && second && other)
    const attempt = { started: { cut: [first] }, tail: { keys: [second] } }
    const bare = { started: { cut: [other] }, tail: null }
    const state = {
      base: { record: { e: 4 } },
      attempts: new Map<number, object>([
        [1, attempt],
        [2, bare],
      ]),
    } as never
    const known = listedKeys(() => state)
    assert.equal(known({ e: 5, k: 1 }, first.keyId), first)
    assert.equal(known({ e: 5, k: 1 }, second.keyId), second)
    assert.equal(known({ e: 5, k: 1 }, other.keyId), undefined)
    assert.equal(known({ e: 5, k: 2 }, other.keyId), other)
    assert.equal(known({ e: 4, k: 1 }, first.keyId), undefined)
    assert.equal(known({ e: 5, k: 3 }, first.keyId), undefined)
    assert.equal(listedKeys(() => undefined)({ e: 5, k: 1 }, first.keyId), undefined)
  })
})
