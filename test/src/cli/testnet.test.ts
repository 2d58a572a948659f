import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Actions } from '../../../src/cli/actions.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import type { TestnetPlan } from '../../../src/testnet/create.ts'
import { type Testnet, writeState } from '../../../src/testnet/state.ts'
import { stopNodes } from '../../../src/testnet/stop.ts'
import { runWith } from './fake-context.ts'

const stateOf = (nodes: number, threshold: number): Testnet => ({
  version: 1,
  networkId: 'ab'.repeat(32),
  threshold,
  nodes: Array.from({ length: nodes }, (_, position) => ({
    node: position + 1,
    dir: `/n${position + 1}`,
    peerId: `peer${position + 1}`,
    host: null,
    guest: null,
    rpc: null,
  })),
})

describe('testnet commands', () => {
  let dir = ''
  let did: string[] = []
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), 'holdfast-testnet-')), 'net')
    await mkdir(dir)
    did = []
  })
  afterEach(() => rm(join(dir, '..'), { recursive: true, force: true }))

  const actions = (state: Testnet): Actions['testnet'] => {
    const note = async (what: string): Promise<Testnet> => {
      did.push(what)
      return state
    }
    return {
      create: (plan: TestnetPlan) => note(`create ${plan.nodes}/${plan.threshold}`),
      start: (_, { only, lifeline }) => note(`start ${only?.join() ?? 'all'} ${lifeline}`),
      ready: async () => void did.push('ready'),
      report: async ({ nodes }) =>
        nodes.map(({ node, peerId }) => ({
          node,
          pid: 100 + node,
          guestPid: null,
          rpc: `http://127.0.0.1:${4000 + node}`,
          peerId,
          state: 'ready',
        })),
      stop: () => note('stop'),
      kill: (_, nodes) => note(`kill ${nodes.join()}`),
      signal: (_, nodes, name) => note(`${name} ${nodes.join()}`),
      partition: (_, groups) => note(`partition ${groups.map((group) => group.join()).join(' ')}`),
      heal: () => note('heal'),
      addNode: () => note('add-node'),
      removeNode: (_, node) => note(`remove-node ${node}`),
      upgrade: (_, nodes) => note(`upgrade ${nodes.join()}`),
    }
  }
  const testnet = (state: Testnet, ...args: string[]) =>
    runWith(['testnet', ...args, '--dir', dir], { testnet: actions(state) })

  it('up makes five nodes with threshold three, starts them for good and waits', async () => {
    const { code } = await testnet(stateOf(5, 3), 'up')
    assert.equal(code, 0)
    assert.deepEqual(did, ['create 5/3', 'start all false', 'ready'])
  })

  it('up takes the smallest majority where only the number of nodes is given', async () => {
    await testnet(stateOf(4, 3), 'up', '--nodes', '4')
    await testnet(stateOf(7, 4), 'up', '--nodes', '7')
    assert.deepEqual(
      did.filter((what) => what.startsWith('create')),
      ['create 4/3', 'create 7/4'],
    )
  })

  it('up starts what is there, and refuses to change its size', async () => {
    await writeState(dir, stateOf(3, 2))
    assert.equal((await testnet(stateOf(3, 2), 'up', '2')).code, 0)
    assert.deepEqual(did, ['start 2 false', 'ready'])
    const { code, stderr } = await testnet(stateOf(3, 2), 'up', '--nodes', '5')
    assert.equal(code, EXIT.refused)
    assert.match(stderr, /has 3 nodes and threshold 2/)
  })

  it('up says that the network is not ready, and that it goes on', async () => {
    const { code, stderr } = await runWith(['testnet', 'up', '--dir', dir], {
      testnet: {
        ...actions(stateOf(5, 3)),
        ready: async () => {
          throw new Error('not ready after 120 s')
        },
      },
    })
    assert.equal(code, EXIT.waiting)
    assert.match(stderr, /not ready after 120 s\n.*testnet status/)
  })

  it('status prints the nodes as scripts read them', async () => {
    await writeState(dir, stateOf(3, 2))
    const { code, json } = await testnet(stateOf(3, 2), 'status', '--json')
    assert.equal(code, 0)
    const nodes = json()['nodes'] as Record<string, unknown>[]
    assert.equal(nodes.length, 3)
    const { node, pid, rpc, peerId, state } = nodes[1] ?? {}
    assert.deepEqual(
      { node, pid, rpc, peerId, state },
      {
        node: 2,
        pid: 102,
        rpc: 'http://127.0.0.1:4002',
        peerId: 'peer2',
        state: 'ready',
      },
    )
  })

  it('kill, freeze and thaw take numbers as arguments or as a list', async () => {
    await writeState(dir, stateOf(5, 3))
    const state = stateOf(5, 3)
    await testnet(state, 'kill', '2', '3')
    await testnet(state, 'kill', '--nodes', '4,5')
    await testnet(state, 'freeze', '1')
    await testnet(state, 'thaw', '1')
    assert.deepEqual(did, ['kill 2,3', 'kill 4,5', 'SIGSTOP 1', 'SIGCONT 1'])
  })

  it('add-node, remove-node and upgrade change the committee', async () => {
    await writeState(dir, stateOf(3, 2))
    const state = stateOf(3, 2)
    await testnet(state, 'add-node')
    await testnet(state, 'remove-node', '2')
    await testnet(state, 'upgrade')
    await testnet(state, 'upgrade', '3')
    assert.deepEqual(did, ['add-node', 'remove-node 2', 'upgrade 1,2,3', 'upgrade 3'])
    assert.equal((await testnet(state, 'remove-node')).code, EXIT.refused)
  })

  it('partition takes groups, heal none', async () => {
    await writeState(dir, stateOf(5, 3))
    const state = stateOf(5, 3)
    await testnet(state, 'partition', '1,2', '3')
    await testnet(state, 'heal')
    assert.deepEqual(did, ['partition 1,2 3', 'heal'])
    assert.match((await testnet(state, 'partition', '1,2', '2')).stderr, /two groups/)
    assert.match((await testnet(state, 'partition', '6')).stderr, /no node 6/)
    assert.equal(did.length, 2)
  })

  it('refuses a node that is not there, and does nothing', async () => {
    await writeState(dir, stateOf(3, 2))
    const { code, stderr } = await testnet(stateOf(3, 2), 'kill', '1', '4')
    assert.equal(code, EXIT.refused)
    assert.match(stderr, /no node 4/)
    assert.deepEqual(did, [])
  })

  it('says how to start a network where there is none', async () => {
    for (const name of ['status', 'down']) {
      const { code, stderr } = await runWith(['testnet', name, '--dir', dir], {
        testnet: { stop: stopNodes },
      })
      assert.equal(code, EXIT.refused)
      assert.match(stderr, /holdfast testnet up/)
    }
  })
})
