import assert from 'node:assert/strict'
import { encodeGenesis, networkIdOf } from '../../../protocols/agreement/genesis.ts'
import { fromBase64url, toBase64url } from '../../../protocols/request/base64url.ts'
import { ERRORS, type ErrorId } from '../../../protocols/request/errors.ts'
import { decodePlainRequest } from '../../../protocols/request/plain-request.ts'
import { failure } from '../../../src/coordinator/reply.ts'
import { createGateway } from '../../../src/gateway/http.ts'
import { JSON_RPC_ANSWER } from '../../../src/wire/json-rpc.ts'
import { MAX_BODY_BYTES } from '../../../src/wire/limits.ts'
import { NETWORK_MANIFEST } from '../../../src/wire/network.ts'
import { NODE_STATUS } from '../../../src/wire/status.ts'
import { call, FakeNode, GENESIS, signCall, signed, status } from './fake-node.ts'

describe('the gateway', () => {
  it('tells where the time of a signature went, once the answer has left', async () => {
    const told: { ms: Record<string, number>; wholeMs: number }[] = []
    const node: FakeNode = new FakeNode({
      onPhases: (ms, wholeMs) => told.push({ ms: Object.fromEntries(ms), wholeMs }),
    })
    node.reply = (_, { phases }) => {
      node.at += 10
      phases?.asGuestSays({ r1: 7_000, combine: 2_000 })
      phases?.enter('reply')
      node.at += 5
      return { result: '0xsigned' }
    }
    await node.post(signCall())
    const ms = { gateway: 1, r1: 7, combine: 2, reply: 5 }
    assert.deepEqual(told, [{ ms, wholeMs: 15 }])
    node.reply = () => failure('OVERLOADED')
    await node.post(signCall())
    await node.post([signCall(), signCall()])
    assert.equal(told.length, 1) // of nothing that was not signed, and of no batch
  })

  describe('JSON-RPC 2.0', () => {
    it('answers a call with its id, whatever kind it has', async () => {
      const node = new FakeNode()
      for (const id of [1, 0, -5, 'abc', '', null]) {
        const { status: code, body } = await node.post(call({ id }))
        assert.equal(code, 200)
        assert.equal(body.jsonrpc, '2.0')
        assert.equal(body.id, id)
        assert.ok(!('error' in body))
      }
    })

    it('answers the calls of a batch in their order, good and bad', async () => {
      const node = new FakeNode()
      const { status: code, body } = await node.post([
        call({ id: 'a' }),
        { jsonrpc: '2.0', id: 'b' },
        call({ id: 'c', method: 'eth_sign' }),
        5,
      ])
      assert.equal(code, 200)
      assert.deepEqual(
        body.map((answer: { id: unknown; error?: { code: number } }) => [
          answer.id,
          answer.error?.code,
        ]),
        [
          ['a', undefined],
          [null, -32600],
          ['c', 4200],
          [null, -32600],
        ],
      )
    })

    it('says nothing to a notification, and does nothing for it', async () => {
      const node = new FakeNode()
      const { id: _, ...notification } = signCall()
      assert.equal((await node.post(notification)).status, 204)
      assert.equal((await node.post([notification, notification])).status, 204)
      const { body } = await node.post([notification, call()])
      assert.equal(body.length, 1)
      assert.equal(node.handled.length, 0)
    })

    it('refuses bodies that are no call with -32600, and bodies that are no JSON with -32700', async () => {
      const node = new FakeNode()
      for (const body of [
        {},
        'null',
        '1',
        '"x"',
        [],
        call({ jsonrpc: '1.0' }),
        call({ id: 1.5 }),
        call({ id: {} }),
        call({ method: 5 }),
        call({ params: 'x' }),
        call({ more: 1 }),
      ]) {
        const answer = await node.post(body)
        assert.equal(answer.status, 400, JSON.stringify(body))
        assert.equal(answer.body.error.code, -32600)
        assert.equal(answer.body.id, null)
      }
      for (const body of ['', '{', '{"jsonrpc":"2.0"', '\u0000', '[1,]', '{"a":1}{"b":2}']) {
        const answer = await node.post(body)
        assert.equal(answer.status, 400, JSON.stringify(body))
        assert.equal(answer.body.error.code, -32700)
        assert.equal(answer.body.error.data.id, 'BAD_REQUEST')
      }
    })

    it('refuses a body that is no UTF-8', async () => {
      const answer = await new FakeNode().server.inject({
        method: 'POST',
        url: '/',
        headers: { host: 'localhost', 'content-type': 'application/json' },
        payload: Buffer.concat([
          Buffer.from('{"jsonrpc":"2.0","id":"'),
          Buffer.of(0xff),
          Buffer.from('","method":"getNetwork"}'),
        ]),
      })
      assert.equal(answer.statusCode, 400)
    })

    it('knows no other methods, and no parameters of public ones', async () => {
      const node = new FakeNode()
      for (const method of [
        'eth_sign',
        'eth_sendTransaction',
        '__proto__',
        'constructor',
        'toString',
      ])
        assert.equal((await node.post(call({ method }))).body.error.data.id, 'METHOD_UNSUPPORTED')
      assert.equal((await node.post(call({ params: [1] }))).body.error.data.id, 'PARAMS_INVALID')
      assert.ok('result' in (await node.post(call({ params: [] }))).body)
      assert.ok('result' in (await node.post(call({ params: {} }))).body)
    })

    it('gives answers that the wire schema reads', async () => {
      const node = new FakeNode()
      for (const body of [call(), call({ method: 'x' }), signCall()])
        assert.ok(JSON_RPC_ANSWER.safeParse((await node.post(body)).body).success)
    })
  })

  describe('limits, at the edge and one beyond', () => {
    it('takes a batch of 20, not of 21, not of none', async () => {
      const node = new FakeNode()
      const batch = (length: number): unknown[] => Array.from({ length }, (_, id) => call({ id }))
      assert.equal((await node.post(batch(20))).body.length, 20)
      for (const length of [0, 21]) {
        const { status: code, body } = await node.post(batch(length))
        assert.equal(code, 400)
        assert.equal(body.error.code, -32600)
      }
    })

    it('takes a body of 600 KiB, not one byte more', async () => {
      const node = new FakeNode()
      const text = JSON.stringify(call())
      const exact = text + ' '.repeat(MAX_BODY_BYTES - text.length)
      assert.equal((await node.post(exact)).status, 200)
      const { status: code, body } = await node.post(`${exact} `)
      assert.equal(code, 413)
      assert.equal(body.error.id, 'BAD_REQUEST')
    })

    it('reads 24 levels, not 25, and survives a body of brackets', async () => {
      const node = new FakeNode()
      const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
      const at = (depth: number): string =>
        `{"jsonrpc":"2.0","id":1,"method":"x","params":${nested(depth)}}`
      assert.equal((await node.post(at(23))).body.error.data.id, 'METHOD_UNSUPPORTED')
      assert.equal((await node.post(at(24))).body.error.code, -32700)
      assert.equal((await node.post('['.repeat(600_000))).body.error.code, -32700)
      assert.equal((await node.post(`"${'[\\"'.repeat(1_000)}"`)).body.error.code, -32600)
    })

    it('answers 40 calls of one address at once, then 429 with the time to wait', async () => {
      const node = new FakeNode({ limits: {} })
      for (let i = 0; i < 40; i++) assert.equal((await node.post(call())).status, 200)
      const refused = await node.post(call())
      assert.equal(refused.status, 429)
      assert.equal(refused.headers['retry-after'], '1')
      assert.equal(refused.body.error.id, 'LIMIT_EXCEEDED')
      assert.equal((await node.post(call(), {}, '10.0.0.9')).status, 200)
      node.at = 500
      assert.equal((await node.post(call())).status, 200)
      assert.equal((await node.post(call())).status, 429)
    })

    it('counts every call of a batch', async () => {
      const node = new FakeNode({ limits: {} })
      const batch = (length: number): unknown[] => Array.from({ length }, (_, id) => call({ id }))
      assert.equal((await node.post(batch(20))).status, 200)
      assert.equal((await node.post(batch(20))).status, 200)
      assert.equal((await node.post(batch(1))).status, 429)
    })

    it('counts the /64 of an IPv6 address as one', async () => {
      const node = new FakeNode({ limits: { address: { perMinute: 1, burst: 1 } } })
      assert.equal((await node.post(call(), {}, '2001:db8::1')).status, 200)
      assert.equal((await node.post(call(), {}, '2001:db8::2')).status, 429)
      assert.equal((await node.post(call(), {}, '2001:db8:0:1::1')).status, 200)
    })

    it('makes three accounts of one address at once, not four', async () => {
      const node = new FakeNode()
      const create = { ...signCall(), method: 'holdfast_createAccount' }
      for (let i = 0; i < 3; i++) assert.ok('result' in (await node.post(create)).body)
      const { status: code, body } = await node.post(create)
      assert.equal(code, 200)
      assert.equal(body.error.data.id, 'LIMIT_EXCEEDED')
      assert.equal(body.error.data.retryable, true)
      assert.equal(body.error.data.details.retryAfterMs, 10_000)
      assert.equal(node.handled.length, 3)
    })

    it('admits 20 requests of an account at once, and asks only when the coordinator does', async () => {
      const node = new FakeNode()
      node.reply = (_, { admit }) => {
        const delay = admit?.('account')
        return delay === undefined ? { result: 1 } : failure('LIMIT_EXCEEDED')
      }
      for (let i = 0; i < 20; i++) assert.ok('result' in (await node.post(signCall())).body)
      assert.equal((await node.post(signCall())).body.error.code, -32005)
      node.reply = () => ({ result: 1 })
      assert.ok('result' in (await node.post(signCall())).body)
    })

    it('answers 503 while too many are open, and while it closes', async () => {
      const node = new FakeNode({
        limits: { address: { perMinute: 6_000, burst: 1_000 }, open: 1 },
      })
      const { promise, resolve } = Promise.withResolvers<void>()
      const entered = Promise.withResolvers<void>()
      node.reply = async () => {
        entered.resolve()
        await promise
        return { result: 1 }
      }
      const first = node.post(signCall())
      await entered.promise
      const second = await node.post(call())
      assert.equal(second.status, 503)
      assert.equal(second.body.error.id, 'OVERLOADED')
      assert.equal(second.headers['retry-after'], '1')
      assert.deepEqual(second.body.error.data.details, { retryAfterMs: 1_000 })
      resolve()
      assert.equal((await first).status, 200)
      assert.equal((await node.post(call())).status, 200)
      node.state.closing = true
      assert.equal((await node.post(call())).status, 503)
    })
  })

  describe('what it listens to', () => {
    it('takes application/json alone', async () => {
      const node = new FakeNode()
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/holdfast',
      ]) {
        const { status: code, body } = await node.post(call(), { 'content-type': type })
        assert.equal(code, 400, type)
        assert.equal(body.error.id, 'BAD_REQUEST')
      }
      assert.equal(
        (await node.post(call(), { 'content-type': 'application/json; charset=utf-8' })).status,
        200,
      )
    })

    it('answers under its addresses and localhost, not under names of strangers', async () => {
      const node = new FakeNode({ hosts: ['node.example'] })
      for (const host of [
        '127.0.0.1',
        '127.0.0.1:9545',
        'localhost:1',
        'LOCALHOST',
        '[::1]:9545',
        '10.1.2.3',
        'node.example',
        'Node.Example:443',
      ])
        assert.equal((await node.post(call(), { host })).status, 200, host)
      for (const host of [
        'evil.example',
        'localhost.evil.example',
        '127.0.0.1.evil.example',
        'localhost:x',
        '[::1',
        'a b',
        '[evil]',
      ]) {
        assert.equal((await node.post(call(), { host })).status, 400, host)
        assert.equal((await node.get('/readyz', { host })).status, 400, host)
      }
    })

    it('has no CORS headers but for configured origins', async () => {
      const closed = new FakeNode()
      const { headers } = await closed.post(call(), { origin: 'https://app.example' })
      assert.equal(headers['access-control-allow-origin'], undefined)
      const open = new FakeNode({ origins: ['https://app.example'] })
      const answer = await open.post(call(), { origin: 'https://app.example' })
      assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example')
      assert.equal(answer.headers['vary'], 'origin')
      assert.equal(
        (await open.post(call(), { origin: 'https://other.example' })).headers[
          'access-control-allow-origin'
        ],
        undefined,
      )
      const preflight = (origin: string) =>
        open.server.inject({ method: 'OPTIONS', url: '/', headers: { host: 'localhost', origin } })
      assert.equal((await preflight('https://app.example')).statusCode, 204)
      assert.equal((await preflight('https://other.example')).statusCode, 400)
    })

    it('has no other paths', async () => {
      const node = new FakeNode()
      for (const path of ['/', '/metrics', '/..%2f'])
        assert.equal((await node.get(path)).status, 404)
    })
  })

  describe('requests in the plain form', () => {
    it('reach the coordinator as the bytes that the client signed', async () => {
      const node = new FakeNode()
      const networkId = networkIdOf(encodeGenesis(GENESIS))
      const { body } = await node.post(signCall(7))
      assert.equal(body.result, '0xsigned')
      const [handled] = node.handled
      const request = decodePlainRequest(handled?.request ?? new Uint8Array())
      assert.deepEqual(request.digest, signed(7, networkId).digest)
      assert.deepEqual(request.proofs, signed(7).proofs)
    })

    it('are taken only on loopback, in development, with allowPlain', async () => {
      const production = {
        ...GENESIS,
        environment: 'production' as const,
        params: { ...GENESIS.params, setupsPerHour: 6 },
      }
      const far = new FakeNode()
      far.state.listening = '0.0.0.0'
      const early = new FakeNode()
      early.state.listening = undefined
      const refusing = [
        new FakeNode({ allowPlain: false }),
        new FakeNode({}, production),
        far,
        early,
      ]
      for (const node of refusing) {
        const { status: code, body } = await node.post(signCall())
        assert.equal(code, 200)
        assert.equal(body.error.code, -32600)
        assert.equal(body.error.data.id, 'BAD_REQUEST')
        assert.match(body.error.message, /plain form/)
        assert.equal(node.handled.length, 0)
        assert.ok('result' in (await node.post(call())).body)
      }
    })

    it('are refused when their form is wrong', async () => {
      const node = new FakeNode()
      const good = signCall()
      const holdfast = good['holdfast'] as Record<string, unknown>
      const bad = [
        { ...good, holdfast: undefined },
        { ...good, holdfast: { ...holdfast, nonce: 'AA' } },
        { ...good, holdfast: { ...holdfast, more: 1 } },
        { ...good, holdfast: { ...holdfast, accountId: 'me' } },
        { ...good, params: [1.5] },
        {
          ...good,
          params: [JSON.parse('{"__proto__":1}')],
        },
      ]
      for (const body of bad) {
        const answer = await node.post(body)
        assert.equal(answer.body.error.code, -32600, JSON.stringify(body))
        assert.equal(answer.body.error.data.id, 'REQ_MALFORMED')
      }
      assert.equal(node.handled.length, 0)
    })

    it('give every error of the table with its code, HTTP 200 and the data a program needs', async () => {
      const node = new FakeNode()
      for (const id of Object.keys(ERRORS) as ErrorId[]) {
        node.reply = () => failure(id, { requestId: 'ab', details: { reachable: 2 }, blame: ['p'] })
        const { status: code, body } = await node.post(signCall())
        assert.equal(code, 200)
        assert.deepEqual(body.error, {
          code: ERRORS[id].code,
          message: ERRORS[id].text,
          data: {
            id,
            retryable: ERRORS[id].retryable,
            requestId: 'ab',
            details: { reachable: 2 },
            blame: ['p'],
          },
        })
      }
    })

    it('tell nothing of what nobody expected', async () => {
      const node = new FakeNode()
      node.reply = () => {
        throw new Error('secret 0xdeadbeef in /home/operator')
      }
      const { body } = await node.post(signCall())
      assert.equal(body.error.code, -32603)
      assert.equal(body.error.data.id, 'INTERNAL_ERROR')
      assert.ok(!JSON.stringify(body).includes('deadbeef'))
      assert.deepEqual(node.warned, ['a call failed'])
    })
  })

  describe('public methods', () => {
    it('getNetwork gives the manifest and the genesis that hashes to its id', async () => {
      const { body } = await new FakeNode().post(call())
      const manifest = NETWORK_MANIFEST.parse(body.result)
      assert.equal(manifest.networkId, toBase64url(networkIdOf(fromBase64url(manifest.genesis))))
      assert.deepEqual([manifest.rootKey, manifest.committee], [null, null])
      assert.equal(manifest.environment, 'development')
      assert.equal(manifest.minLevel, 'process')
    })

    it('getStatus gives what the node says about itself', async () => {
      const { body } = await new FakeNode().post(call({ method: 'getStatus' }))
      assert.deepEqual(NODE_STATUS.parse(body.result), status())
    })
  })

  describe('health', () => {
    it('asks the guest once for all who look at once, and again after 250 ms', async () => {
      const node = new FakeNode()
      const { promise, resolve } = Promise.withResolvers<void>()
      let asked = 0
      node.status = async () => {
        asked += 1
        await promise
        return status()
      }
      const looks = ['/healthz', '/readyz', '/healthz'].map((url) => node.getNow(url))
      const answer = node.post(call({ method: 'getStatus' }))
      while (asked === 0) await new Promise(setImmediate)
      resolve()
      for (const { status: code } of await Promise.all([...looks, answer])) assert.equal(code, 200)
      assert.equal(asked, 1)
      node.at += 249
      await node.getNow('/healthz')
      assert.equal(asked, 1)
      node.at += 1
      await node.getNow('/healthz')
      assert.equal(asked, 2)
    })

    it('keeps no failure', async () => {
      const node = new FakeNode()
      node.status = () => Promise.reject(new Error('gone'))
      assert.equal((await node.getNow('/readyz')).status, 503)
      node.status = async () => status()
      assert.equal((await node.getNow('/readyz')).status, 200)
    })

    it('is shown 40 times at once to one address, then 429, and takes no calls away', async () => {
      const node = new FakeNode({ limits: {} })
      for (let i = 0; i < 40; i++)
        assert.equal((await node.getNow(i % 2 === 0 ? '/healthz' : '/readyz')).status, 200)
      const refused = await node.getNow('/readyz')
      assert.equal(refused.status, 429)
      assert.equal(refused.headers['retry-after'], '1')
      assert.equal((await node.getNow('/healthz')).status, 429)
      assert.equal((await node.post(call())).status, 200)
      node.at += 500
      assert.equal((await node.getNow('/healthz')).status, 200)
    })

    it('is alive with its guest', async () => {
      const node = new FakeNode()
      assert.deepEqual(await node.get('/healthz').then(({ status: code, body }) => [code, body]), [
        200,
        { alive: true },
      ])
      node.status = async () => status({ guest: { ...status().guest, alive: false } })
      assert.equal((await node.get('/healthz')).status, 503)
      node.status = () => Promise.reject(new Error('gone'))
      assert.equal((await node.get('/healthz')).status, 503)
      assert.equal((await node.get('/readyz')).status, 503)
    })

    it('is ready while a quorum can sign with it, and says why not', async () => {
      const node = new FakeNode()
      const all = await node.get('/readyz')
      assert.equal(all.status, 200)
      assert.equal(all.body.complete, true)
      const states = (ready: number) =>
        [2, 3, 4, 5].map((party) => ({ party, state: party <= ready ? 'ready' : 'running' }))
      node.status = async () => status({ guest: { ...status().guest, pairs: states(3) } })
      const some = await node.get('/readyz')
      assert.deepEqual([some.status, some.body.ready, some.body.complete], [200, true, false])
      node.status = async () => status({ guest: { ...status().guest, pairs: states(2) } })
      const few = await node.get('/readyz')
      assert.equal(few.status, 503)
      assert.ok(few.body.reasons.includes('2 of 3 needed signers are available'))
      assert.ok(few.body.reasons.includes('pair setup with member 3: running'))
      node.status = async () =>
        status({
          links: [2, 3, 4, 5].map((party) => ({
            party,
            up: party === 2,
            suspect: false,
            rttMs: null,
          })),
        })
      const cut = await node.get('/readyz')
      assert.equal(cut.status, 503)
      assert.ok(cut.body.reasons.includes('no link to member 4'))
    })
  })

  it('listens, answers, and refuses a used port', async () => {
    const deps = {
      coordinator: { handle: async () => ({ result: 'x' }) },
      network: {
        genesis: encodeGenesis(GENESIS),
        nodes: () => [],
        published: () => null,
        past: async () => ({ first: null, before: [] }),
      },
      status: async () => status(),
      allowPlain: true,
      log: { warn: () => undefined },
    }
    const gateway = createGateway(deps)
    const other = createGateway(deps)
    const { url } = await gateway.listen({ host: '127.0.0.1', port: 0 })
    try {
      const port = Number(new URL(url).port)
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(signCall()),
      })
      assert.deepEqual(await answer.json(), { jsonrpc: '2.0', id: 1, result: 'x' })
      await assert.rejects(other.listen({ host: '127.0.0.1', port }), { code: 'EADDRINUSE' })
    } finally {
      await gateway.close()
      await other.close()
    }
  })
})
