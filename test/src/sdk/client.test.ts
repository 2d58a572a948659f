import assert from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/curves/utils.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import { parseTransaction, recoverMessageAddress, recoverTypedDataAddress } from 'viem'
import { encodeKeyCertificate } from '../../../protocols/keygen/key-certificate.ts'
import { toBase64url } from '../../../protocols/request/base64url.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { hexText } from '../../../protocols/request/hex.ts'
import { intentOf } from '../../../protocols/request/intents/intent.ts'
import { transcriptOf } from '../../../protocols/sharing/hashes.ts'
import {
  type AnswerReport,
  createHoldfast,
  type Holdfast,
  networkIdText,
} from '../../../src/sdk/client.ts'
import { HoldfastError } from '../../../src/sdk/holdfast-error.ts'
import { keySigner } from '../../../src/sdk/key-signer.ts'
import type { Account } from '../../../src/sdk/verify-account.ts'
import type { CreatedAccount } from '../../../src/wire/accounts.ts'
import { exampleGenesis } from '../../protocols/agreement/example-genesis.ts'
import { FakeWorld, hangs, isDown, type Lie, reply } from './fake-world.ts'

const NODES = ['http://a/', 'http://b/', 'http://c/']
const FIVE = [...NODES, 'http://d/', 'http://e/']
const signer = keySigner({ alg: 'EdDSA', privateKey: new Uint8Array(32).fill(0x55) })
const TRANSACTION = {
  type: 2,
  chainId: 31_337,
  nonce: 0,
  gas: 21_000,
  to: `0x${'11'.repeat(20)}`,
  value: 10n ** 18n,
  maxFeePerGas: 2_000_000_000n,
  maxPriorityFeePerGas: 1_000_000_000n,
} as const
const TYPED = {
  types: {
    EIP712Domain: [{ name: 'chainId', type: 'uint256' }],
    Order: [{ name: 'amount', type: 'uint256' }],
  },
  primaryType: 'Order',
  domain: { chainId: 1 },
  message: { amount: 10n ** 30n },
} as const

const clientOf = (world: FakeWorld, nodes: readonly string[] = NODES): Holdfast =>
  createHoldfast({
    nodes,
    networkId: bytesToHex(world.networkId),
    signer,
    fetch: world.fetch,
  })

async function opened(
  nodes?: readonly string[],
): Promise<{ world: FakeWorld; hf: Holdfast; account: Account }> {
  const world = new FakeWorld()
  const hf = clientOf(world, nodes)
  const account = await hf.createAccount()
  world.seen.length = 0
  return { world, hf, account }
}

const rejects = async (promise: Promise<unknown>, id: string): Promise<HoldfastError> => {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error))
    assert.equal(error.id, id, error.message)
    assert.ok(Number.isInteger(error.code))
    return error
  }
  assert.fail(`did not reject with ${id}`)
}

describe('createHoldfast()', () => {
  it('makes an account whose address follows from a certified key', async () => {
    const { world, account } = await opened()
    const known = world.accounts.get(account.accountId)
    assert.equal(account.address, known?.created.address)
    assert.equal(account.keyId, known?.created.key_id)
    assert.equal(account.publicKey, bytesToHex(known?.certificate.publicKey ?? new Uint8Array()))
  })

  it('signs a message that viem recovers to the account', async () => {
    const { hf, account } = await opened()
    for (const message of ['hello', '0x1234', 'grüße', '']) {
      const signature = await hf.signMessage({ account, message })
      assert.equal(
        await recoverMessageAddress({ message, signature: signature as `0x${string}` }),
        account.address,
      )
    }
    const raw = Uint8Array.of(0, 1, 255)
    const signature = await hf.signMessage({ account, message: { raw } })
    assert.equal(
      await recoverMessageAddress({ message: { raw }, signature: signature as `0x${string}` }),
      account.address,
    )
  })

  it('signs typed data with bigints that viem recovers to the account', async () => {
    const { hf, account } = await opened()
    const signature = await hf.signTypedData({ account, typedData: TYPED })
    assert.equal(
      await recoverTypedDataAddress({
        ...TYPED,
        domain: { chainId: 1 },
        types: { Order: TYPED.types.Order },
        signature: signature as `0x${string}`,
      }),
      account.address,
    )
  })

  it('signs transactions of types 0, 1 and 2 as viem reads them', async () => {
    const { hf, account } = await opened()
    const { maxFeePerGas: _, maxPriorityFeePerGas: __, ...rest } = TRANSACTION
    for (const transaction of [
      TRANSACTION,
      {
        ...rest,
        type: 1,
        gasPrice: 7n,
        accessList: [{ address: `0x${'22'.repeat(20)}`, storageKeys: [] }],
      },
      { ...rest, type: 0, gasPrice: 7n, data: '0xabcd' },
    ] as const) {
      const raw = await hf.signTransaction({ account, transaction })
      const parsed = parseTransaction(raw as `0x${string}`)
      assert.equal(parsed.chainId, 31_337)
      assert.equal(parsed.value, 10n ** 18n)
      assert.equal(parsed.to, TRANSACTION.to)
    }
  })

  it('names the network by the hash of its genesis', async () => {
    const world = new FakeWorld()
    const network = await clientOf(world).getNetwork()
    assert.equal(networkIdText(network), bytesToHex(world.networkId))
    assert.equal(network.genesis.members.length, 5)
  })

  it('tells who answered, for whoever wants to know', async () => {
    const { hf, account } = await opened()
    const answers: AnswerReport[] = []
    await hf.signMessage(
      { account, message: 'x' },
      { onAnswer: (answer) => void answers.push(answer) },
    )
    assert.equal(answers.length, 1)
    assert.match(answers[0]?.requestId ?? '', /^[0-9a-f]{64}$/)
  })

  it('refuses before asking what no node could sign', async () => {
    const { world, hf, account } = await opened()
    const fraction = { ...TRANSACTION, value: 1.5 }
    await rejects(hf.signTransaction({ account, transaction: fraction }), 'PARAMS_INVALID')
    await rejects(
      hf.signTransaction({ account, transaction: { ...TRANSACTION, chainId: 0 } }),
      'TX_BUILD_FAILED',
    )
    await rejects(hf.signTypedData({ account, typedData: '{' }), 'MSG_BUILD_FAILED')
    assert.equal(world.seen.length, 0)
  })

  it('needs the network id where nodes are not on this machine, and a usable address', () => {
    assert.throws(() => createHoldfast({ nodes: 'http://10.0.0.1:9545' }), {
      id: 'MANIFEST_INVALID',
    })
    assert.throws(() => createHoldfast({ nodes: ['http://127.0.0.1:1', 'https://x.example'] }), {
      id: 'MANIFEST_INVALID',
    })
    assert.throws(() => createHoldfast({ nodes: 'http://x', networkId: 'abc' }), {
      id: 'MANIFEST_INVALID',
    })
    assert.throws(() => createHoldfast({ nodes: 'ftp://127.0.0.1' }), { id: 'NO_NODE' })
    assert.throws(() => createHoldfast({ nodes: [] }), { id: 'NO_NODE' })
    createHoldfast({ nodes: ['http://127.0.0.1:1', 'http://localhost:2', 'http://[::1]:3'] })
  })

  it('takes the network id in hex and in base64url', async () => {
    const world = new FakeWorld()
    for (const networkId of [bytesToHex(world.networkId), toBase64url(world.networkId)])
      await createHoldfast({ nodes: 'http://a', networkId, fetch: world.fetch }).getNetwork()
  })

  it('needs a signer', async () => {
    const { world, account } = await opened()
    const hf = createHoldfast({
      nodes: NODES,
      networkId: bytesToHex(world.networkId),
      fetch: world.fetch,
    })
    await rejects(hf.signMessage({ account, message: 'x' }), 'AUTH_FAILED')
    assert.ok(await hf.signMessage({ account, message: 'x' }, { signer }))
  })

  describe('against a node that lies', () => {
    const stranger = new Uint8Array(32).fill(9)
    const forged: Record<string, (world: FakeWorld, account: Account) => Lie> = {
      'a signature by another key':
        (world, account) =>
        (_, { request }) => {
          const { method, params } = request.core
          const intent = intentOf(method, params, account.address)
          return intent.finish(world.sign(intent.digest, BigInt(hexText(stranger))))
        },
      'a signature over another intent': (world, account) => () => {
        const intent = intentOf('personal_sign', ['0xdead', account.address], account.address)
        return intent.finish(
          world.sign(intent.digest, world.accounts.get(account.accountId)?.secret ?? 1n),
        )
      },
      'a changed bit': () => (result) =>
        `${String(result).slice(0, 20)}${String(result)[20] === '0' ? '1' : '0'}${String(result).slice(21)}`,
      'another v': () => (result) =>
        `${String(result).slice(0, -2)}${String(result).endsWith('1b') ? '1c' : '1b'}`,
      'the higher s': () => (result) => {
        const bytes = hexToBytes(String(result).slice(2))
        const { Fn } = secp256k1.Point
        bytes.set(Fn.toBytes(Fn.neg(Fn.fromBytes(bytes.subarray(32, 64)))), 32)
        bytes[64] = bytes[64] === 27 ? 28 : 27
        return hexText(bytes)
      },
      zeros: () => () => `0x${'00'.repeat(64)}1b`,
      nothing: () => () => null,
      'an object': () => () => ({ signature: '0x' }),
    }
    for (const [what, lie] of Object.entries(forged))
      it(`takes another node's answer instead of ${what}`, async () => {
        const { world, hf, account } = await opened()
        world.lies.set('a', lie(world, account))
        const message = 'hello'
        const signature = await hf.signMessage({ account, message })
        assert.equal(
          await recoverMessageAddress({ message, signature: signature as `0x${string}` }),
          account.address,
        )
        for (const node of ['b', 'c']) world.lies.set(node, lie(world, account))
        await rejects(hf.signMessage({ account, message: 'again' }), 'SIGNATURE_INVALID')
      })

    it('refuses a transaction with another value, even signed by the right key', async () => {
      const { world, hf, account } = await opened(['http://a/'])
      world.lies.set('a', () => {
        const tx = {
          type: '0x2',
          from: account.address,
          chainId: '0x7a69',
          nonce: '0x0',
          gas: '0x5208',
          to: TRANSACTION.to,
          value: '0xde0b6b3a7640001',
          data: '0x',
          maxFeePerGas: '0x77359400',
          maxPriorityFeePerGas: '0x3b9aca00',
          accessList: [],
        }
        const intent = intentOf('eth_signTransaction', [tx], account.address)
        return intent.finish(
          world.sign(intent.digest, world.accounts.get(account.accountId)?.secret ?? 1n),
        )
      })
      await rejects(hf.signTransaction({ account, transaction: TRANSACTION }), 'SIGNATURE_INVALID')
    })

    it('refuses a transaction signed by another key', async () => {
      const { world, hf, account } = await opened(['http://a/'])
      world.lies.set('a', (_, { request }) => {
        const { method, params } = request.core
        const intent = intentOf(method, params, account.address)
        return intent.finish(world.sign(intent.digest, 7n))
      })
      await rejects(hf.signTransaction({ account, transaction: TRANSACTION }), 'SIGNATURE_INVALID')
    })

    const certificates: Record<
      string,
      (world: FakeWorld, created: CreatedAccount) => Partial<CreatedAccount>
    > = {
      'another address': () => ({ address: `0x${'11'.repeat(20)}` }),
      'another account id': () => ({ account_id: '11111111-1111-8111-8111-111111111111' }),
      'another key id': () => ({ key_id: 'ab'.repeat(32) }),
      'no certificate': () => ({ certificate: '' }),
      'a certificate by nobody': (world, { account_id }) => {
        const { certificate } = world.accounts.get(account_id) ?? assert.fail()
        const signatures = world.certify(
          transcriptOf(certificate.pub, certificate.records),
          'forged ',
        )
        return { certificate: toBase64url(encodeKeyCertificate({ ...certificate, signatures })) }
      },
      'a certificate of too few members': (world, { account_id }) => {
        const { certificate } = world.accounts.get(account_id) ?? assert.fail()
        const signatures = certificate.signatures.slice(0, 3)
        return { certificate: toBase64url(encodeKeyCertificate({ ...certificate, signatures })) }
      },
      'a certificate for a key that nobody certified': (world, { account_id }) => {
        const { certificate } = world.accounts.get(account_id) ?? assert.fail()
        const other = world.makeKey().certificate
        return {
          certificate: toBase64url(
            encodeKeyCertificate({
              ...other,
              records: certificate.records,
              pub: certificate.pub,
              signatures: certificate.signatures,
            }),
          ),
        }
      },
    }
    for (const [what, forge] of Object.entries(certificates))
      it(`makes no account with ${what}`, async () => {
        const world = new FakeWorld()
        const lie: Lie = (result, { method }) =>
          method === 'holdfast_createAccount'
            ? { ...(result as CreatedAccount), ...forge(world, result as CreatedAccount) }
            : result
        for (const node of ['a', 'b', 'c']) world.lies.set(node, lie)
        await rejects(clientOf(world).createAccount(), 'SIGNATURE_INVALID')
        world.lies.delete('b')
        assert.ok(await clientOf(world).createAccount())
      })

    it("makes no account with another account's certified key, as other nodes know better", async () => {
      const world = new FakeWorld()
      const victim = await clientOf(world).createAccount()
      const { created } = world.accounts.get(victim.accountId) ?? assert.fail()
      world.lies.set('a', (result, { method }) => {
        if (method === 'holdfast_createAccount')
          return { ...created, account_id: (result as CreatedAccount).account_id }
        return method === 'eth_accounts' ? [created.address] : result
      })
      await rejects(clientOf(world).createAccount(), 'ACCOUNT_DISPUTED')
    }).timeout(15_000) // it gives nodes that are behind three seconds

    it('waits for a node that learns of a new account a moment later', async () => {
      const world = new FakeWorld()
      let early = 2
      world.lies.set('b', (result, { method }) => {
        if (method === 'eth_accounts' && early-- > 0) throw new RequestError('AUTH_FAILED')
        return result
      })
      assert.ok(await clientOf(world, ['http://a/', 'http://b/']).createAccount())
      assert.equal(early, -1)
    })

    it('says at once that no node knows an account', async () => {
      const { world, hf } = await opened()
      const accountId = '11111111-1111-8111-8111-111111111111'
      await rejects(hf.getAccounts({ accountId }), 'AUTH_FAILED')
      assert.equal(world.seen.length, 3)
    })

    it('goes past nodes of another network', async () => {
      const { world, hf, account } = await opened(['http://c/'])
      const other = new FakeWorld(exampleGenesis(4, 3))
      const fetch: typeof world.fetch = (url, init) =>
        (new URL(url).hostname === 'a' ? other : world).fetch(url, init)
      const mixed = createHoldfast({
        nodes: NODES,
        networkId: bytesToHex(world.networkId),
        signer,
        fetch,
      })
      assert.equal(
        await mixed.signMessage({ account, message: 'x' }),
        await hf.signMessage({ account, message: 'x' }),
      )
      assert.equal(other.seen.length, 0)
      const lost = createHoldfast({
        nodes: 'http://a/',
        networkId: bytesToHex(world.networkId),
        signer,
        fetch,
      })
      await rejects(lost.signMessage({ account, message: 'x' }), 'MANIFEST_INVALID')
    })

    it('refuses a manifest that claims the right id over another genesis', async () => {
      const world = new FakeWorld()
      const { genesisBytes } = new FakeWorld(exampleGenesis(4, 3))
      world.manifests.set('a', { genesis: toBase64url(genesisBytes) })
      await rejects(clientOf(world, ['http://a/']).getNetwork(), 'MANIFEST_INVALID')
      const unpinned = createHoldfast({
        nodes: 'http://127.0.0.1/',
        fetch: (_, init) => world.fetch('http://a/', init),
      })
      await rejects(unpinned.getNetwork(), 'MANIFEST_INVALID')
    })

    it('takes addresses that as many nodes as sign name, whatever others say', async () => {
      const { world, hf, account } = await opened(FIVE)
      world.lies.set('a', () => [`0x${'22'.repeat(20)}`])
      world.acts.set('b', isDown)
      assert.deepEqual(await hf.getAccounts(account), [account.address])
      world.errors.set('c', 'OVERLOADED')
      world.errors.set('d', 'OVERLOADED')
      const { details, message } = await rejects(
        hf.getAccounts({ accountId: account.accountId }),
        'ACCOUNT_DISPUTED',
      )
      assert.deepEqual(details, {
        'http://a/': [`0x${'22'.repeat(20)}`],
        'http://e/': [account.address],
      })
      assert.match(message, /^1 of 3 needed nodes/)
    }).timeout(15_000) // nodes that are busy are asked for three seconds

    for (const [what, trouble] of [
      ['busy', (world: FakeWorld, node: string) => void world.errors.set(node, 'LIMIT_EXCEEDED')],
      ['down', (world: FakeWorld, node: string) => void world.acts.set(node, isDown)],
    ] as const)
      it(`makes no account on one node's word while the others are ${what}`, async () => {
        const world = new FakeWorld()
        for (const node of ['b', 'c', 'd', 'e']) trouble(world, node)
        const hf = clientOf(world, FIVE)
        const options = { idempotencyKey: `first account, ${what}` }
        const error = await rejects(hf.createAccount({}, options), 'ACCOUNT_UNCONFIRMED')
        assert.equal(error.retryable, true)
        assert.match(error.message, /1 of 3 .*4 did not answer.*Nothing is lost/)
        world.errors.clear()
        world.acts.clear()
        const account = await hf.createAccount({}, options)
        assert.deepEqual([...world.accounts.keys()], [account.accountId])
      }).timeout(15_000)

    it('needs both of two nodes', async () => {
      const { world, hf, account } = await opened(['http://a/', 'http://b/'])
      world.acts.set('b', isDown)
      await rejects(hf.getAccounts(account), 'ACCOUNT_UNCONFIRMED')
      world.acts.clear()
      assert.deepEqual(await hf.getAccounts(account), [account.address])
    })

    it('takes two addresses of one peer for one node', async () => {
      const { world, hf, account } = await opened(FIVE)
      for (const node of ['a', 'b', 'c']) world.claims.set(node, 'the same peer')
      for (const node of ['d', 'e']) world.acts.set(node, isDown)
      const fresh = clientOf(world, FIVE)
      const { message } = await rejects(fresh.getAccounts(account), 'ACCOUNT_UNCONFIRMED')
      assert.match(message, /^1 of 3 needed nodes/)
      assert.deepEqual(await clientOf(world, NODES).getAccounts(account), [account.address])
      assert.ok(hf)
    })

    it('is not deceived by a node that claims to be the honest one beside it', async () => {
      const { world, account } = await opened(['http://b/'])
      world.claims.set('a', 'peer of b')
      world.lies.set('a', () => [`0x${'22'.repeat(20)}`])
      const hf = clientOf(world, ['http://a/', 'http://b/'])
      await rejects(hf.getAccounts({ accountId: account.accountId }), 'ACCOUNT_DISPUTED')
    })
  })

  describe('failover', () => {
    it('sends the same bytes to the next node when one is down', async () => {
      const { world, hf, account } = await opened()
      world.errors.set('a', 'OVERLOADED')
      world.errors.set('b', 'MPC_QUORUM')
      assert.ok(await hf.signMessage({ account, message: 'x' }))
      world.errors.clear()
      world.acts.set('c', isDown)
      assert.ok(await hf.signMessage({ account, message: 'y' }))
      assert.equal(new Set(world.seen.map(({ digest }) => digest)).size, 2)
    })

    it('asks every node of a request with one digest', async () => {
      const { world, hf, account } = await opened()
      for (const node of ['a', 'b']) world.lies.set(node, () => 'nonsense')
      assert.ok(await hf.signMessage({ account, message: 'x' }))
      assert.deepEqual(
        world.seen.map(({ node }) => node),
        ['a', 'b', 'c'],
      )
      assert.equal(new Set(world.seen.map(({ digest }) => digest)).size, 1)
    })

    it('asks the one that answered last first', async () => {
      const { world, hf, account } = await opened()
      world.acts.set('a', isDown)
      await hf.signMessage({ account, message: 'x' })
      world.acts.clear()
      await hf.signMessage({ account, message: 'y' })
      assert.deepEqual(
        world.seen.map(({ node }) => node),
        ['b', 'b'],
      )
    })

    it('ends with an id that no other node would change once f+1 nodes gave it', async () => {
      const { world, hf, account } = await opened()
      world.errors.set('a', 'POLICY_DENIED')
      world.errors.set('b', 'POLICY_DENIED')
      const error = await rejects(hf.signMessage({ account, message: 'x' }), 'POLICY_DENIED')
      assert.equal(error.code, -32003)
      assert.equal(error.retryable, false)
      assert.equal(world.seen.length, 0)
    })

    it('goes on when one node refuses, and asks that one last from then on', async () => {
      const { world, hf, account } = await opened()
      world.errors.set('a', 'AUTH_FAILED')
      assert.ok(await hf.signMessage({ account, message: 'x' }))
      world.errors.clear()
      world.errors.set('b', 'OVERLOADED')
      assert.ok(await hf.signMessage({ account, message: 'y' }))
      assert.deepEqual(
        world.seen.map(({ node }) => node),
        ['b', 'c'],
      )
    })

    it("goes on after a node's own trouble", async () => {
      const { world, hf, account } = await opened()
      for (const id of [
        'INTERNAL_ERROR',
        'STORAGE_FAILED',
        'BAD_REQUEST',
        'NETWORK_MISMATCH',
      ] as const) {
        world.errors.set('a', id)
        const fresh = clientOf(world)
        assert.ok(await fresh.signMessage({ account, message: id }), id)
      }
      assert.ok(hf)
    })

    it("says a node's word before silence when all fail", async () => {
      const { world, hf, account } = await opened()
      world.errors.set('a', 'MPC_QUORUM')
      for (const node of ['b', 'c']) world.acts.set(node, isDown)
      await rejects(hf.signMessage({ account, message: 'x' }), 'MPC_QUORUM')
      world.acts.set('a', isDown)
      const error = await rejects(hf.signMessage({ account, message: 'x' }), 'NO_NODE')
      assert.equal(error.retryable, true)
    })

    it('takes what is no JSON-RPC answer for silence, and keeps the body', async () => {
      const { world, hf, account } = await opened(['http://a/'])
      for (const answer of [
        reply('<html>', 502),
        reply('{}'),
        reply({ jsonrpc: '2.0', id: 2, result: '0x' }),
        reply('', 500),
      ]) {
        world.acts.set('a', () => answer)
        const error = await rejects(hf.signMessage({ account, message: 'x' }), 'NO_NODE')
        assert.ok(typeof error.details === 'object')
      }
      world.acts.set('a', () => reply('x'.repeat(17 * 1_048_576)))
      await rejects(hf.signMessage({ account, message: 'x' }), 'NO_NODE')
    })

    it('ends with its deadline', async () => {
      const { world, hf, account } = await opened()
      for (const node of ['a', 'b', 'c']) world.acts.set(node, hangs)
      const error = await rejects(
        hf.signMessage({ account, message: 'x' }, { deadlineMs: 60 }),
        'MPC_DEADLINE',
      )
      assert.equal(error.retryable, true)
    })

    it("ends with the caller's signal, before and during the call", async () => {
      const { world, hf, account } = await opened()
      await rejects(
        hf.signMessage({ account, message: 'x' }, { signal: AbortSignal.abort() }),
        'ABORTED',
      )
      world.acts.set('a', hangs)
      const leaving = new AbortController()
      const call = hf.signMessage({ account, message: 'x' }, { signal: leaving.signal })
      leaving.abort()
      await rejects(call, 'ABORTED')
    })
  })

  it('ends with its deadline when a signer, or a fetch, looks at no signal', async () => {
    const { world, account } = await opened()
    const deaf = new Promise<never>(() => undefined)
    const silent = { ...signer, prove: () => deaf }
    const call = { account, message: 'x' }
    const options = { deadlineMs: 60 }
    await rejects(clientOf(world).signMessage(call, { ...options, signer: silent }), 'MPC_DEADLINE')
    const hf = createHoldfast({
      nodes: 'http://a/',
      networkId: bytesToHex(world.networkId),
      signer,
      fetch: () => deaf,
    })
    await rejects(hf.signMessage(call, options), 'MPC_DEADLINE')
    await rejects(hf.getAccounts(account, options), 'MPC_DEADLINE')
    await rejects(hf.createAccount({}, options), 'MPC_DEADLINE')
  })

  describe('idempotency keys', () => {
    it('make the same call one request', async () => {
      const { world, hf, account } = await opened()
      const options = { idempotencyKey: 'order 7' }
      const first = await hf.signMessage({ account, message: 'x' }, options)
      assert.equal(await hf.signMessage({ account, message: 'x' }, options), first)
      assert.equal(new Set(world.seen.map(({ digest }) => digest)).size, 1)
      await hf.signMessage({ account, message: 'x' })
      assert.equal(new Set(world.seen.map(({ digest }) => digest)).size, 2)
    })

    it('give the nonce, so that another client with the key names the same request', async () => {
      const world = new FakeWorld()
      const nonces: string[] = []
      const fetch: typeof world.fetch = (url, init) => {
        const { holdfast } = JSON.parse(init.body)
        if (holdfast !== undefined) nonces.push(holdfast.nonce)
        return world.fetch(url, init)
      }
      const account = await clientOf(world).createAccount()
      for (const idempotencyKey of ['k', 'k', 'l']) {
        const hf = createHoldfast({
          nodes: NODES,
          networkId: bytesToHex(world.networkId),
          signer,
          fetch,
        })
        await hf.signMessage({ account, message: 'x' }, { idempotencyKey })
      }
      assert.equal(nonces[0], nonces[1])
      assert.notEqual(nonces[0], nonces[2])
    })
  })
})
