import { generateKeyPairSync } from 'node:crypto'
import { createHoldfast, type Holdfast, networkIdText } from '../sdk/client.ts'
import { HoldfastError } from '../sdk/holdfast-error.ts'
import { keySigner } from '../sdk/key-signer.ts'
import type { AccountFile, KeyAlgorithm } from './account-file.ts'
import type { Actions, SignWhat } from './actions.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'
import { transactionInput } from './transaction-input.ts'

/** What commands do outside tests. What only some commands need, such as libp2p, is loaded by them alone. */
export const realActions: Actions = {
  initialiseNode: async (plan) => {
    const { initialiseNode } = await import('../node/initialise-node.ts')
    return await initialiseNode(plan)
  },
  joinNetwork: async (dir, address, signal) => {
    const [{ bootstrapJoin }, { JoinRefused }, { createLog }] = await Promise.all([
      import('../node/bootstrap-join.ts'),
      import('../node/committee/fetch-network.ts'),
      import('../node/log.ts'),
    ])
    const log = createLog('info', { write: (line) => process.stderr.write(line) })
    try {
      return await bootstrapJoin(dir, address, { signal, log })
    } catch (cause) {
      if (!(cause instanceof JoinRefused)) throw cause
      throw new CommandError(EXIT.refused, cause.message, { cause })
    }
  },
  startNode: async (dir, env, options) => {
    const { startNode } = await import('./start-node.ts')
    return await startNode(dir, env, options)
  },
  ownNode: async (dir, env, signal) => {
    const [{ readConfig }, { nodeFiles }, { commandOperator }] = await Promise.all([
      import('../node/config.ts'),
      import('../node/node-files.ts'),
      import('./operator-client.ts'),
    ])
    const files = nodeFiles(await readConfig(dir, env))
    return {
      node: await commandOperator(files.operatorSocket, signal),
      genesisFile: files.genesis,
      operatorKey: files.operatorKey,
    }
  },
  status: async (rpc, signal) => {
    const client = createHoldfast({ nodes: rpc })
    return { ...(await client.getStatus({ signal })) }
  },
  createAccount: (nodes, alg, signal) => explained(() => createAccount(nodes, alg, signal)),
  sign: (nodes, account, what, signal) => explained(() => sign(nodes, account, what, signal)),
  demo: async (options) => {
    const [{ runDemo }, { openDemoWallet }, { parentGone }] = await Promise.all([
      import('../testnet/demo.ts'),
      import('../testnet/open-demo-wallet.ts'),
      import('../testnet/parent-gone.ts'),
    ])
    const signal = AbortSignal.any([options.signal, parentGone()])
    await runDemo({ ...options, signal }, openDemoWallet)
  },
  testnet: {
    create: async (plan) => {
      const { createTestnet } = await import('../testnet/create.ts')
      return await createTestnet(plan)
    },
    start: async (dir, options) => (await up()).startNodes(dir, options),
    ready: async (state, options) => (await up()).networkReady(state, options),
    report: async (state) => {
      const { report } = await import('../testnet/status.ts')
      return await report(state)
    },
    stop: async (dir) => (await stop()).stopNodes(dir),
    kill: async (dir, nodes) => (await stop()).killNodes(dir, nodes),
    signal: async (dir, nodes, name) => (await stop()).signalNodes(dir, nodes, name),
    partition: async (dir, groups, signal) =>
      (await partition()).partitionNodes(dir, groups, signal),
    heal: async (dir, signal) => (await partition()).healNodes(dir, signal),
    addNode: async (dir, options) => (await members()).addNode(dir, options),
    removeNode: async (dir, node, signal) => (await members()).removeNode(dir, node, signal),
    upgrade: async (dir, nodes, options) => (await members()).upgradeNodes(dir, nodes, options),
  },
}

const up = () => import('../testnet/up.ts')
const stop = () => import('../testnet/stop.ts')
const members = () => import('../testnet/members.ts')
const partition = () => import('../testnet/partition.ts')

const CREATE_DEADLINE_MS = 60_000 // all members take part, and a busy one is waited for

async function createAccount(
  nodes: readonly string[],
  alg: KeyAlgorithm,
  signal: AbortSignal,
): Promise<AccountFile> {
  const pkcs8 = newKey(alg)
  const client = createHoldfast({ nodes, signer: keySigner({ pkcs8 }) })
  const network = await client.getNetwork({ signal })
  const account = await client.createAccount({}, { signal, deadlineMs: CREATE_DEADLINE_MS })
  const { accountId, address, keyId, publicKey } = account
  return {
    version: 1,
    networkId: networkIdText(network),
    accountId,
    address,
    keyId,
    publicKey,
    credential: { alg, privateKey: Buffer.from(pkcs8).toString('base64') },
  }
}

function newKey(alg: KeyAlgorithm): Uint8Array {
  const { privateKey } =
    alg === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: alg === 'ES256' ? 'P-256' : 'secp256k1' })
  return new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }))
}

async function sign(
  nodes: readonly string[],
  account: AccountFile,
  what: SignWhat,
  signal: AbortSignal,
): Promise<string> {
  const pkcs8 = new Uint8Array(Buffer.from(account.credential.privateKey, 'base64'))
  const client: Holdfast = createHoldfast({
    nodes,
    networkId: account.networkId,
    signer: keySigner({ pkcs8 }),
  })
  switch (what.kind) {
    case 'message': {
      const message = { raw: new Uint8Array(Buffer.from(what.data.slice(2), 'hex')) }
      return await client.signMessage({ account, message }, { signal })
    }
    case 'typed-data':
      return await client.signTypedData({ account, typedData: what.json }, { signal })
    case 'transaction': {
      const transaction = transactionInput(what.transaction, account.address)
      return await client.signTransaction({ account, transaction }, { signal })
    }
  }
}

const HINTS: Readonly<Record<string, string>> = {
  NO_NODE: 'start a node, or name the gateway of one with --rpc URL',
  MPC_QUORUM: 'start more nodes, or wait until they have set up their pairs ("holdfast status")',
  MPC_DEADLINE: 'try again; if it happens again, look at "holdfast status"',
  MANIFEST_INVALID: 'these nodes are not of the network the account belongs to: check --rpc',
  ACCOUNT_UNCONFIRMED: 'name more nodes that are up, or try again when they are',
  AUTH_FAILED: 'the developer key does not fit this account',
  OPERATION_IN_PROGRESS: 'try again in a moment',
}

/** The SDK's error as a command's: the exit code says whether trying again can help. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof HoldfastError)) throw cause
    const { id, message, retryable } = cause
    const exitCode =
      id === 'NO_NODE' ? EXIT.unreachable : retryable ? EXIT.waiting : refusedOr(cause)
    const hint = HINTS[id]
    throw new CommandError(exitCode, message, {
      id,
      cause,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

/** Internal errors are failures; everything else that is final is a refusal. */
const refusedOr = ({ id }: HoldfastError): number =>
  id === 'INTERNAL_ERROR' || id === 'SIGNATURE_INVALID' ? EXIT.failed : EXIT.refused
