import assert from 'node:assert/strict'
import { PairGate } from '../../../protocols/pair-setup/gate.ts'

describe('PairGate', () => {
  it('is open until it is closed', () => {
    const gate = new PairGate()
    assert.equal(gate.closed, undefined)
    gate.close('generation')
    assert.equal(gate.closed, 'generation')
  })

  it('keeps a ban: a renewal does not undo it, a later ban counts', () => {
    const banned = new PairGate()
    banned.close('banned')
    banned.close('generation')
    assert.equal(banned.closed, 'banned')
    const renewed = new PairGate()
    renewed.close('generation')
    renewed.close('banned')
    assert.equal(renewed.closed, 'banned')
  })
})
