import assert from 'node:assert/strict'
import { ADDRESSES, CREATED_ACCOUNT } from '../../../src/wire/accounts.ts'
import { JSON_RPC_ANSWER, JSON_RPC_CALL } from '../../../src/wire/json-rpc.ts'
import { NETWORK_MANIFEST } from '../../../src/wire/network.ts'
import { RAW_TRANSACTION, SIGNATURE } from '../../../src/wire/signatures.ts'
import { NODE_STATUS } from '../../../src/wire/status.ts'
import { status } from '../gateway/fake-node.ts'

const ADDRESS = `0x${'aA'.repeat(20)}`
const data = { id: 'MPC_QUORUM', retryable: true, requestId: null }
const manifest = {
  v: 1,
  networkId: 'A'.repeat(43),
  name: 'n',
  environment: 'development',
  rootKey: null,
  nodes: [{ peerId: 'p', multiaddrs: ['/ip4/127.0.0.1/tcp/1'] }],
  minLevel: 'process',
  maxSkew: 30,
  maxTtl: 300,
  genesis: 'AA',
  committee: null,
}
const committee = { published: 'AA', first: null, before: [] }
const account = {
  account_id: '33333333-3333-8333-8333-333333333333',
  key_id: 'ab'.repeat(32),
  address: ADDRESS,
  certificate: 'AA',
}

interface Schema {
  readonly name: string
  readonly parse: (value: unknown) => { success: boolean }
  readonly good: readonly unknown[]
  readonly bad: readonly unknown[]
}

const SCHEMAS: readonly Schema[] = [
  {
    name: 'a call',
    parse: (value) => JSON_RPC_CALL.safeParse(value),
    good: [
      { jsonrpc: '2.0', method: 'm' },
      { jsonrpc: '2.0', method: 'm', id: null, params: [], holdfast: {} },
      { jsonrpc: '2.0', method: 'm', id: 'x'.repeat(128), params: {} },
    ],
    bad: [
      null,
      [],
      { method: 'm' },
      { jsonrpc: '2.0', method: '' },
      { jsonrpc: '2.0', method: 'm'.repeat(129) },
      { jsonrpc: '2.0', method: 'm', id: 'x'.repeat(129) },
      { jsonrpc: '2.0', method: 'm', id: 2 ** 53 },
      { jsonrpc: '2.0', method: 'm', params: null },
      { jsonrpc: '2.0', method: 'm', extra: 1 },
    ],
  },
  {
    name: 'an answer',
    parse: (value) => JSON_RPC_ANSWER.safeParse(value),
    good: [
      { jsonrpc: '2.0', id: 1, result: null },
      { jsonrpc: '2.0', id: 1, result: { a: [1] }, holdfast: { requestId: 'ab', signers: [1, 2] } },
      { jsonrpc: '2.0', id: null, error: { code: -32002, message: 'm', data } },
    ],
    bad: [
      {},
      { jsonrpc: '2.0', id: 1 },
      { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'm' } },
      { jsonrpc: '2.0', id: 1, error: { code: 1.5, message: 'm', data } },
      { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'm'.repeat(1_025), data } },
      { jsonrpc: '2.0', id: 1, result: '', holdfast: { requestId: 'ab', signers: [0] } },
    ],
  },
  {
    name: 'a manifest',
    parse: (value) => NETWORK_MANIFEST.safeParse(value),
    good: [
      manifest,
      { ...manifest, nodes: [] },
      {
        ...manifest,
        rootKey: 'A'.repeat(44),
        committee: { ...committee, first: 'AA', before: ['AA'] },
      },
    ],
    bad: [
      { ...manifest, v: 2 },
      { ...manifest, networkId: 'A'.repeat(42) },
      { ...manifest, environment: 'test' },
      { ...manifest, nodes: Array.from({ length: 65 }, () => ({ peerId: 'p', multiaddrs: [] })) },
      { ...manifest, genesis: 'A'.repeat(87_383) },
      { ...manifest, more: 1 },
      { ...manifest, rootKey: 'A'.repeat(43) },
      { ...manifest, committee: undefined },
      { ...manifest, committee: { published: 'AA', first: null } },
      { ...manifest, committee: { ...committee, before: Array(9).fill('AA') } },
      { ...manifest, committee: { ...committee, published: 'A'.repeat(87_383) } },
      { ...manifest, committee: { ...committee, first: 'A'.repeat(87_383) } },
      { ...manifest, committee: { ...committee, more: 1 } },
    ],
  },
  {
    name: 'a status',
    parse: (value) => NODE_STATUS.safeParse(value),
    good: [status(), status({ links: [] })],
    bad: [
      { ...status(), index: -1 },
      { ...status(), guest: {} },
      { ...status(), secret: 1 },
    ],
  },
  {
    name: 'an account',
    parse: (value) => CREATED_ACCOUNT.safeParse(value),
    good: [account],
    bad: [
      { ...account, account_id: 'x' },
      { ...account, key_id: 'AB'.repeat(32) },
      { ...account, address: ADDRESS.slice(1) },
      { ...account, certificate: 'A'.repeat(87_383) },
    ],
  },
  {
    name: 'addresses',
    parse: (value) => ADDRESSES.safeParse(value),
    good: [[], [ADDRESS], Array.from({ length: 64 }, () => ADDRESS)],
    bad: [ADDRESS, ['0x'], Array.from({ length: 65 }, () => ADDRESS)],
  },
  {
    name: 'a signature',
    parse: (value) => SIGNATURE.safeParse(value),
    good: [`0x${'ab'.repeat(65)}`],
    bad: [`0x${'ab'.repeat(64)}`, `0x${'AB'.repeat(65)}`, `${'ab'.repeat(65)}`, 5],
  },
  {
    name: 'a raw transaction',
    parse: (value) => RAW_TRANSACTION.safeParse(value),
    good: ['0x02f8'],
    bad: ['0x', '0x0', '02', '0xZZ', `0x${'00'.repeat(600 * 1024)}`],
  },
]

describe('the schemas of the wire', () => {
  for (const { name, parse, good, bad } of SCHEMAS)
    it(`take ${name}, and nothing that is almost one`, () => {
      for (const value of good) assert.ok(parse(value).success, JSON.stringify(value))
      for (const value of bad)
        assert.ok(!parse(value).success, JSON.stringify(value)?.slice(0, 200))
    })
})
