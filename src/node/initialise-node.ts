import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { stringify } from 'smol-toml'
import { locateBundle } from '../../enclave-runtime/host/bundle.ts'
import type { MemberFields } from '../../enclave-runtime/host/guest.ts'
import { prepareKeys } from '../../enclave-runtime/host/key-files.ts'
import { ConfigError, type NodeConfig, parseConfig } from './config.ts'
import { createPeerSeed } from './identity.ts'
import { formatMemberFile } from './member-file.ts'
import { nodeFiles } from './node-files.ts'
import { openGuest } from './open-guest.ts'

export interface InitialisePlan {
  readonly dir: string
  readonly label: string
  /** Written to node.toml as they are; everything else keeps its default. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface InitialisedNode {
  readonly dir: string
  readonly keysDir: string
  readonly member: MemberFields
}

const INIT_TIMEOUT_MS = 20_000 // a guest starts in well under a second

/**
 * Makes the directory of a new node: its keys, its settings and, by running its guest once, the
 * public keys of the guest (`member.json`). What fails is undone: a directory is a node or nothing.
 * @throws ConfigError when the directory is in use or a setting is wrong.
 */
export async function initialiseNode(plan: InitialisePlan): Promise<InitialisedNode> {
  const dir = resolve(plan.dir)
  const text = stringify(plan.settings)
  const config = parseConfig({ dir, text, env: {} })
  for (const folder of new Set([dir, config.dataDir, config.keysDir])) await assertEmpty(folder)
  try {
    const member = await fill(config, plan.label, text)
    return { dir, keysDir: config.keysDir, member }
  } catch (error) {
    for (const folder of [dir, config.dataDir, config.keysDir])
      await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function fill(config: NodeConfig, label: string, text: string): Promise<MemberFields> {
  const files = nodeFiles(config)
  const bundle = await locateBundle()
  for (const folder of [config.dir, dirname(files.peerKey)])
    await mkdir(folder, { recursive: true, mode: 0o700 })
  await prepareKeys(config.keysDir)
  const operatorKey = await createOperatorKey(files.operatorKey)
  const peerId = await createPeerSeed(files.peerKey)
  const { guest, close } = await openGuest({
    bundle,
    records: files.records,
    keysDir: config.keysDir,
    genesis: null,
    kernel: config.kernel,
    peerId,
    settings: config.guest,
  })
  let member: MemberFields
  try {
    const signal = AbortSignal.timeout(INIT_TIMEOUT_MS)
    member = await guest.init({ peerId, operatorKey, label }, signal)
  } finally {
    await close()
  }
  await writeFile(files.member, formatMemberFile(member))
  await writeFile(files.config, text) // last: with it the directory is a node
  return member
}

/** A directory that is absent or has nothing in it. */
async function assertEmpty(folder: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (names.length > 0)
    throw new ConfigError([
      `${folder} is not empty: a node is never made over another; choose another directory`,
    ])
}

/** A fresh Ed25519 key in PKCS #8 PEM, readable by its owner only; returns the 32 bytes of its public half. */
async function createOperatorKey(file: string): Promise<Uint8Array> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  await writeFile(file, pem, { mode: 0o600, flag: 'wx' })
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32))
}
