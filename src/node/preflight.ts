import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Bundle, locateBundle } from '../../enclave-runtime/host/bundle.ts'
import { LaunchError } from '../../enclave-runtime/host/launch-error.ts'
import { PublishedCommittee } from '../../protocols/agreement/chain/published-committee.ts'
import { sameBytes } from '../../protocols/agreement/compare-bytes.ts'
import { decodeGenesis, type Genesis, networkIdOf } from '../../protocols/agreement/genesis.ts'
import type { EpochRecord } from '../../protocols/agreement/objects/record.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import { CommitteeFile } from './committee/committee-file.ts'
import { ConfigError, type NodeConfig } from './config.ts'
import { peerNameOf, readPeerSeed } from './identity.ts'
import { parseMemberFile } from './member-file.ts'
import { nodeFiles } from './node-files.ts'

/** Who this node is: as genesis.cbor says, or its own member.json where it came later. */
export interface Self {
  /** 0: it has none yet. */
  readonly index: number
  readonly guestSig: Uint8Array
  readonly peerId: string
  readonly label: string
}

/** What is known of a node before anything of it was started. */
export interface Preflight {
  readonly genesis: Genesis
  readonly genesisFile: Uint8Array
  readonly networkId: Uint8Array
  readonly me: Self
  /** Of the newest epoch that this host ever verified; null before there was one. */
  readonly newest: EpochRecord | null
  readonly bundle: Bundle
  readonly seed: Uint8Array
  readonly kernel: 'wasm' | 'reference'
}

/** Everything that can be checked without starting anything. @throws ConfigError with every problem at once. */
export async function preflight(config: NodeConfig): Promise<Preflight> {
  const problems: string[] = []
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof ConfigError) problems.push(...error.problems)
      else if (error instanceof LaunchError) problems.push(error.message)
      else throw error
      return undefined
    }
  }
  const read = await attempt(() => readGenesis(config))
  const seed = await attempt(() => readSeed(config))
  const bundle = await attempt(locateBundle)
  const kernel = await attempt(async () => chosenKernel(config, read?.genesis))
  const peerId = seed === undefined ? undefined : await peerNameOf(seed)
  const newest = read === undefined ? null : await attempt(() => readNewest(config, read.networkId))
  const me =
    read?.genesis.members.find((member) => member.peerId === peerId) ??
    (await attempt(() => laterMember(config, newest ?? null, peerId)))
  if (read !== undefined && peerId !== undefined && me === undefined)
    problems.push(
      `this node (peer ${peerId}) is not a member of the network in genesis.cbor: adopt the genesis it was put in`,
    )
  if (read !== undefined && bundle !== undefined && !allows(newest ?? read.genesis, bundle))
    problems.push(
      `the guest bundle ${bundle.path} (measurement ${hex(bundle.sha256)}) is not allowed by ${newest ? `epoch ${newest.e}` : 'genesis.cbor'}: install the version of holdfast the network runs`,
    )
  if (read?.genesis.environment === 'production' && config.allowPlain)
    problems.push('allowPlain is for development networks: remove it from node.toml')
  if (read?.genesis.environment === 'production')
    problems.push(
      'genesis.cbor is of a production network, and this version starts its guest without a sandbox: it runs on development networks only',
    )
  await attempt(() => assertRecords(config))
  problems.push(...(await usedPorts(config)))
  if (!read || !me || !bundle || !seed || kernel === undefined || problems.length > 0)
    throw new ConfigError(problems)
  return { ...read, me, newest: newest ?? null, bundle, seed, kernel }
}

async function readNewest(config: NodeConfig, networkId: Uint8Array): Promise<EpochRecord | null> {
  const { published } = await new CommitteeFile(nodeFiles(config).committee, networkId).load()
  return published === null ? null : PublishedCommittee.decode(published).cert.record
}

/** A node that joined later, or asks to: it knows an epoch, and says itself who it is. */
async function laterMember(
  config: NodeConfig,
  newest: EpochRecord | null,
  peerId: string | undefined,
): Promise<Self | undefined> {
  if (newest === null || peerId === undefined) return undefined
  const { member } = nodeFiles(config)
  const text = new TextDecoder().decode(
    await readOrExplain(member, '"holdfast init" writes it; restore it from a backup'),
  )
  const { guestSig, label } = parseMemberFile(text, member)
  const entry = newest.members.find((one) => sameBytes(one.guestSig, guestSig))
  return { index: entry?.index ?? 0, guestSig, peerId, label }
}

async function readGenesis(
  config: NodeConfig,
): Promise<Pick<Preflight, 'genesis' | 'genesisFile' | 'networkId'>> {
  const path = nodeFiles(config).genesis
  const genesisFile = await readOrExplain(
    path,
    `get it from whoever assembled the network, then "holdfast genesis adopt --dir ${config.dir} --genesis FILE"`,
  )
  let genesis: Genesis
  try {
    genesis = decodeGenesis(genesisFile)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new ConfigError(
      [`${path} is not a genesis this version accepts (${cause.message}): get the file again`],
      { cause },
    )
  }
  const networkId = networkIdOf(genesisFile)
  if (config.networkId !== null && config.networkId !== hex(networkId))
    throw new ConfigError([
      `${path} is of network ${hex(networkId)}, node.toml says networkId = "${config.networkId}": one of the two files is of another network; put the right one back`,
    ])
  return { genesis, genesisFile, networkId }
}

async function readSeed(config: NodeConfig): Promise<Uint8Array> {
  const path = nodeFiles(config).peerKey
  await readOrExplain(path, 'restore it from a backup: without it this is another node')
  try {
    return await readPeerSeed(path)
  } catch (cause) {
    throw new ConfigError([cause instanceof Error ? cause.message : String(cause)], { cause })
  }
}

/** Records were made with the node: where there are none, its shares are lost, and it must not begin anew. */
async function assertRecords(config: NodeConfig): Promise<void> {
  const { records } = nodeFiles(config)
  await readOrExplain(
    join(records, 'CURRENT'), // the file that every LevelDB has
    'the sealed records of this node are missing; restore them from a backup, its shares are in them',
  )
}

/** The reference kernel is neither fast nor constant in time: on development networks only (02 §14). */
function chosenKernel(config: NodeConfig, genesis: Genesis | undefined): NodeConfig['kernel'] {
  if (config.kernel === 'reference' && genesis?.environment === 'production')
    throw new ConfigError([
      'kernel = "reference" is for development networks, and genesis.cbor is of a production network: remove it from node.toml',
    ])
  return config.kernel
}

const allows = ({ allow }: Pick<EpochRecord, 'allow'>, { sha256 }: Bundle): boolean =>
  allow.some((allowed) => hex(allowed) === hex(sha256))

/** Ports that the settings name and something else holds; each is let go again at once. */
async function usedPorts({ rpc, metrics, listen }: NodeConfig): Promise<string[]> {
  const wanted = [
    { setting: 'rpc', ...rpc },
    ...(metrics === null ? [] : [{ setting: 'metrics', ...metrics }]),
    ...listen.flatMap((address) => {
      const [, host, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
      if (host === undefined || port === undefined) return []
      return [{ setting: `listen ${address}`, host, port: Number(port) }]
    }),
  ].filter(({ port }) => port !== 0)
  const problems: string[] = []
  for (const { setting, host, port } of wanted) {
    const reason = await tryPort(host, port)
    if (reason === 'EADDRINUSE')
      problems.push(
        `port ${port} of ${host} (${setting}) is used by another program: stop it, or choose another port in node.toml`,
      )
    else if (reason !== undefined)
      problems.push(`port ${port} of ${host} (${setting}) cannot be listened on (${reason})`)
  }
  return problems
}

function tryPort(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

async function readOrExplain(path: string, todo: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    const code = String((cause as NodeJS.ErrnoException).code)
    const what = code === 'ENOENT' ? `there is no ${path}` : `${path} cannot be read (${code})`
    throw new ConfigError([`${what}: ${todo}`], { cause })
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
