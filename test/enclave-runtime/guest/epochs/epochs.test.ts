import assert from 'node:assert/strict'
import { EpochNet } from './epoch-net.ts'

describe('the runner of epochs', function () {
  this.timeout(60_000)

  it('makes epoch 0 of the genesis file, and a refresh after it', async () => {
    const net = await EpochNet.found(5, 3)
    assert.ok(
      await net.until(net.allIn(0)),
      JSON.stringify(net.nodes.map((n) => [n.e, n.defects, n.ends.map(String)])),
    )
    void net.propose(net.at(2))
    assert.ok(await net.until(net.allIn(1)))
  })
})
