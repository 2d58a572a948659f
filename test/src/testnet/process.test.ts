import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  allGone,
  childrenOf,
  type ProcessRef,
  refOf,
  send,
  stateOf,
} from '../../../src/testnet/process.ts'

const DEADLINE_MS = 3_000

/** A process that runs until it is ended. */
async function patient(): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  await once(child, 'spawn')
  assert.ok(child.pid !== undefined)
  return child as ChildProcess & { pid: number }
}

/** From one state to the other and through no third; each is asked for once, it may change in between. */
async function passes(ref: ProcessRef, from: string, to: string): Promise<void> {
  for (let state = await stateOf(ref); state !== to; state = await stateOf(ref))
    assert.equal(state, from)
}

describe('processes of a local network', () => {
  let child: ChildProcess & { pid: number }
  beforeEach(async () => {
    child = await patient()
  })
  afterEach(() => child.kill('SIGKILL'))

  it('are running, frozen, and running again', async () => {
    const ref = await refOf(child.pid)
    assert.equal(await stateOf(ref), 'running')
    assert.equal(await send(ref, 'SIGSTOP'), true)
    await passes(ref, 'running', 'stopped')
    await send(ref, 'SIGCONT')
    await passes(ref, 'stopped', 'running')
  })

  it('are gone once killed, and no signal is sent to them any more', async () => {
    const ref = await refOf(child.pid)
    await send(ref, 'SIGKILL')
    assert.equal(await allGone([ref], DEADLINE_MS), true)
    assert.equal(await stateOf(ref), 'gone')
    assert.equal(await send(ref, 'SIGKILL'), false)
  })

  it('are not mistaken for a later process with the same id', async () => {
    const ref = await refOf(child.pid)
    assert.ok(ref.started !== null, 'this test reads /proc')
    assert.equal(await stateOf({ ...ref, started: `${ref.started}0` }), 'gone')
    assert.equal(await send({ ...ref, started: '1' }, 'SIGKILL'), false)
    assert.equal(await stateOf(ref), 'running')
  })

  it('are found among the children of their parent', async () => {
    const found = await childrenOf(process.pid)
    assert.ok(found.some(({ pid }) => pid === child.pid))
  })

  it('are waited for no longer than the deadline', async () => {
    assert.equal(await allGone([await refOf(child.pid)], 30), false)
  })
})
