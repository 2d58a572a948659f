import assert from 'node:assert/strict'
import { World } from './world.ts'

describe('agreement in random schedules', () => {
  it('holds and ends with crashes, loss, delay and duplicates', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { violation } = new World(seed, 3 + (seed % 5), null).run()
      assert.equal(violation, null, `seed ${seed}`)
    }
  })
})
