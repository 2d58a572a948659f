import assert from 'node:assert/strict'
import type { StartedNode } from '../../../src/cli/actions.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { runWith } from './fake-context.ts'

const running = {
  ...{ pid: 1, index: 3, peerId: 'p', networkId: 'ab', rpc: 'http://127.0.0.1:1' },
  multiaddrs: [],
}

/** Runs a command on a node that ends by itself; whether it was started to rejoin. */
async function started(
  name: string,
  code: number,
): Promise<{ isRejoining: unknown; stdout: string; stderr: string; code: number }> {
  let isRejoining: unknown
  const node = {
    running,
    ended: Promise.resolve({ code, reason: 'its guest ended' }),
    stop: async () => undefined,
  } as unknown as StartedNode
  const done = await runWith([name, '--dir', '/srv/node'], {
    startNode: async (_dir, _env, options) => {
      isRejoining = options?.isRejoining
      return node
    },
  })
  return { isRejoining, ...done }
}

describe('holdfast rejoin', () => {
  it('starts a node in quarantine, and says what it waits for', async () => {
    const { isRejoining, stdout } = await started('rejoin', EXIT.guestLost)
    assert.equal(isRejoining, true)
    assert.match(
      stdout,
      /votes on nothing yet; at another member, once all are up: holdfast refresh/,
    )
    assert.match(stdout, /holdfast epoch status --dir \/srv\/node/)
  })

  it('is what a node that was rolled back is told, and start is not it', async () => {
    const { isRejoining, stdout, stderr, code } = await started('start', EXIT.rollback)
    assert.equal(isRejoining, false)
    assert.doesNotMatch(stdout, /votes on nothing/)
    assert.equal(code, EXIT.rollback)
    assert.match(stderr, /"holdfast rejoin"/)
  })
})
