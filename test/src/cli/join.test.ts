import assert from 'node:assert/strict'
import { SignedJoin } from '../../../protocols/agreement/objects/join.ts'
import { baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import { brokenJoin } from '../../../protocols/agreement/rules/join-rules.ts'
import type { OwnNode, StartedNode } from '../../../src/cli/actions.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { exampleJoin, TIME } from '../../protocols/agreement/example-epochs.ts'
import { runWith } from './fake-context.ts'
import { FakeOwnNode, toHex } from './fake-own-node.ts'

const HOUR_MS = 3_600_000

describe('holdfast join', () => {
  let own: FakeOwnNode
  let did: string[] = []
  beforeEach(async () => {
    own = await FakeOwnNode.create()
    did = []
  })
  afterEach(() => own.remove())

  const base = () => baseOfRecord(own.first.record)
  const network = () => `holdfast:${toHex(base().networkId)}@/ip4/127.0.0.1/tcp/4001`
  const ended = { code: 75, reason: 'its guest ended: killed' }

  const run = (label = 'node 7', ends: Promise<typeof ended> = Promise.resolve(ended)) => {
    const asOwn = (): OwnNode => ({ ...own.own(), operatorKey: own.keyOf(7) })
    const node = { running: {}, ended: ends, stop: async () => void did.push('stop') }
    return runWith(
      ['join', network(), '--dir', own.file('new'), '--label', label, '--hours', '1'],
      {
        initialiseNode: async (plan) => {
          did.push(`init ${plan.label}`)
          return { dir: plan.dir, keysDir: `${plan.dir}.keys`, member: {} as never }
        },
        joinNetwork: async (_, { multiaddr }) => {
          did.push(`find ${multiaddr}`)
          const members = [{ index: 1, label: 'node 1' }]
          return { networkId: toHex(base().networkId), name: 'example', e: 0, t: 3, members }
        },
        startNode: async () => {
          did.push('start')
          return node as unknown as StartedNode
        },
        ownNode: async () => asOwn(),
      },
      { now: () => TIME },
    )
  }
  const drafts = (join: SignedJoin) => ({
    'join-draft': () => ({
      join: toHex(join.objectBytes),
      guestSignature: toHex(join.guestSignature),
    }),
  })
  const never = new Promise<typeof ended>(() => undefined)

  it('makes the node, finds the network, and leaves a join that both have signed, until it is a member', async () => {
    const join = exampleJoin(base(), 7, { expiresAt: TIME + HOUR_MS })
    const member = own.status
    const guestSig = toHex(join.object.guestSig)
    const sent: string[] = []
    let looks = 0
    const over = Promise.withResolvers<typeof ended>()
    own.replies = {
      ...drafts(join),
      'join-send': (params) => {
        sent.push(params.join)
        return { done: true }
      },
      status: () => {
        if (looks++ === 0) return { ...member, standing: 'joining', me: null, guestSig }
        setImmediate(() => over.resolve(ended))
        return { ...member, me: 6 }
      },
    }
    const { code, stdout } = await run('node 7', over.promise)
    assert.equal(code, ended.code) // it runs until it ends
    assert.match(stdout, /compare its id with the other operators/)
    assert.match(stdout, new RegExp(`holdfast epoch propose add ${guestSig.slice(0, 12)}`))
    assert.equal(sent.length, 1)
    const signed = SignedJoin.decode(new Uint8Array(Buffer.from(sent[0] ?? '', 'hex')))
    assert.equal(brokenJoin(base(), signed, { now: TIME, removedForFault: [] }), undefined)
  })

  it('signs no join of another guest, network or label than it was asked for', async () => {
    for (const fields of [
      { label: 'somebody' },
      { networkId: new Uint8Array(32) },
      { expiresAt: TIME + 2 * HOUR_MS },
    ]) {
      const join = exampleJoin(base(), 7, { expiresAt: TIME + HOUR_MS, ...fields })
      const guestSig = toHex(join.object.guestSig)
      own.status = { ...own.status, standing: 'joining', me: null, guestSig }
      own.replies = drafts(join)
      const { code, stderr } = await run('node 7', never)
      assert.equal(code, EXIT.failed)
      assert.match(stderr, /drafts another join/)
    }
    assert.ok(did.includes('stop'))
  })

  it('says why the node stopped', async () => {
    own.status = { ...own.status, standing: 'joining', me: null }
    own.replies = { 'join-draft': () => assert.fail() }
    const { code, stderr } = await run()
    assert.equal(code, ended.code)
    assert.match(stderr, /its guest ended: killed/)
    assert.deepEqual(did, ['init node 7', 'find /ip4/127.0.0.1/tcp/4001', 'start', 'stop'])
  })

  it('takes no address that is none', async () => {
    const { code, stderr } = await runWith(['join', 'holdfast:12', '--dir', '/nowhere'], {})
    assert.equal(code, EXIT.refused)
    assert.match(stderr, /not a network address/)
  })
})
