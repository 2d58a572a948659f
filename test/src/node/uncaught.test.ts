import assert from 'node:assert/strict'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { silentLog } from '../../../src/node/log.ts'
import { UNCAUGHT_EXIT_CODE, uncaughtPolicy } from '../../../src/node/uncaught.ts'

describe('uncaughtPolicy()', () => {
  let now = 0
  let exits: number[] = []
  let counted: string[] = []
  let policy: (error: unknown) => void
  beforeEach(() => {
    now = 0
    exits = []
    counted = []
    policy = uncaughtPolicy({
      log: silentLog,
      count: (name) => counted.push(name),
      exit: (code) => exits.push(code),
      clock: () => now,
    })
  })
  const stream = (name: string): Error => Object.assign(new Error(name), { name })

  it('counts five errors of streams within a minute, and exits at the sixth', () => {
    for (let i = 0; i < 5; i++) policy(stream('StreamStateError'))
    assert.deepEqual(exits, [])
    assert.equal(counted.length, 5)
    policy(stream('StreamResetError'))
    assert.deepEqual(exits, [UNCAUGHT_EXIT_CODE])
  })

  it('forgets them after a minute', () => {
    for (let i = 0; i < 12; i++) {
      policy(stream('StreamBufferError'))
      now += 15_000
    }
    assert.deepEqual(exits, [])
  })

  it('exits at any other error', () => {
    policy(new TypeError('a defect'))
    policy('not even an error')
    assert.deepEqual(exits, [76, 76])
    assert.equal(EXIT.uncaught, UNCAUGHT_EXIT_CODE)
  })
})
