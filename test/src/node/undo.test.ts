import assert from 'node:assert/strict'
import { silentLog } from '../../../src/node/log.ts'
import { Undo } from '../../../src/node/undo.ts'

const never = new Promise<void>(() => undefined)

describe('Undo', () => {
  it('stops what was started in the opposite order, whatever fails, and only once', async () => {
    const undo = new Undo(silentLog, { stepMs: 1_000, allMs: 5_000 })
    const stopped: string[] = []
    undo.add('first', () => void stopped.push('first'))
    undo.add('second', () => {
      stopped.push('second')
      throw new Error('it does not')
    })
    undo.add('third', async () => void stopped.push('third'))
    await undo.run()
    await undo.run()
    assert.deepEqual(stopped, ['third', 'second', 'first'])
  })

  it('has one budget for all steps, of which the last ones keep a part when others hang', async () => {
    const undo = new Undo(silentLog, { stepMs: 60_000, allMs: 1_050 })
    const stopped: string[] = []
    undo.add('guest', () => void stopped.push('guest'))
    undo.add('network', () => never)
    const began = performance.now()
    await undo.run()
    const took = performance.now() - began
    assert.deepEqual(stopped, ['guest'])
    assert.ok(took >= 900 && took < 5_000, `${took} ms`)
  })
})
