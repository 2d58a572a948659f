import { deepEqual, equal } from 'node:assert/strict'
import { Pair } from '../../../../enclave-runtime/guest/pairs/pair.ts'
import { SetupTurns } from '../../../../enclave-runtime/guest/pairs/setup-turns.ts'

const HOUR_MS = 3_600_000
const pairWith = (index: number): Pair => new Pair({ index, id: new Uint8Array(32) }, true)

describe('turns for setups', () => {
  it('are two at a time in one guest; every room hears when there is one again', () => {
    const turns = new SetupTurns()
    const heard: string[] = []
    turns.join(() => heard.push('this epoch'))
    const leave = turns.join(() => heard.push('the next'))
    const [one, same, other] = [pairWith(2), pairWith(2), pairWith(3)]
    turns.take(one)
    equal(turns.isFull, false)
    turns.take(same) // the same peer, in the room of another epoch
    deepEqual([turns.isFull, turns.has(one), turns.has(other)], [true, true, false])
    turns.leave(other)
    deepEqual(heard, [])
    turns.leave(one)
    deepEqual([turns.isFull, heard], [false, ['this epoch', 'the next']])
    leave()
    turns.leave(same)
    deepEqual(heard, ['this epoch', 'the next', 'this epoch'])
  })

  it('with one peer are so many in an hour, whatever the epoch', () => {
    const turns = new SetupTurns()
    for (const at of [0, 10, 20]) turns.started(2, at)
    equal(turns.notBefore(2, 4), 0)
    equal(turns.notBefore(2, 3), HOUR_MS)
    equal(turns.notBefore(3, 3), 0)
    turns.started(2, HOUR_MS + 5) // the first is out of the hour
    equal(turns.notBefore(2, 3), HOUR_MS + 10)
  })
})
