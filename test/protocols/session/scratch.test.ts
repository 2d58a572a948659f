import assert from 'node:assert/strict'
import { Scratch } from '../../../protocols/session/scratch.ts'

describe('Scratch', () => {
  it('wipes what is still held, once, and nothing that was spent or kept', () => {
    const wiped: number[] = []
    const scratch = new Scratch<number>((handle) => wiped.push(handle))
    for (const handle of [1, 2, 3, 4]) scratch.hold(handle)
    assert.equal(scratch.spend(2), 2)
    assert.equal(scratch.keep(3), 3)
    scratch.wipe()
    scratch.wipe()
    assert.deepEqual(wiped, [1, 4])
  })

  it('wipes at once what comes after its end', () => {
    const wiped: number[] = []
    const scratch = new Scratch<number>((handle) => wiped.push(handle))
    scratch.wipe()
    assert.equal(scratch.hold(1), 1)
    assert.deepEqual(wiped, [1])
    scratch.wipe()
    assert.deepEqual(wiped, [1])
    assert.throws(() => scratch.spend(1), /^Error: bug/)
  })

  it('wipes all others when one cannot be wiped, and says so then', () => {
    const wiped: number[] = []
    const scratch = new Scratch<number>((handle) => {
      if (handle === 2) throw new Error('stale')
      wiped.push(handle)
    })
    for (const handle of [1, 2, 3]) scratch.hold(handle)
    assert.throws(() => scratch.wipe(), /^Error: stale/)
    assert.deepEqual(wiped, [1, 3])
    scratch.wipe() // nothing is left to wipe
  })

  it('refuses to spend a secret twice', () => {
    const scratch = new Scratch<number>(() => undefined)
    scratch.spend(scratch.hold(1))
    assert.throws(() => scratch.spend(1), /^Error: bug/)
  })
})
