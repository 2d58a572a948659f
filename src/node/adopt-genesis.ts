import { readFile, rm, writeFile } from 'node:fs/promises'
import { parse, stringify } from 'smol-toml'
import { decodeGenesis, networkIdOf } from '../../protocols/agreement/genesis.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import { ConfigError, parseConfig } from './config.ts'
import { MAX_MEMBER_FILE_BYTES, parseMemberFile } from './member-file.ts'
import { nodeFiles } from './node-files.ts'

/**
 * Makes the node in `dir` a member of the network of this genesis file: writes it, and pins the network
 * id in node.toml. Returns that id as hex. @throws ConfigError when the node is not in it or belongs to another network already.
 */
export async function adoptGenesis(dir: string, file: Uint8Array): Promise<string> {
  const files = nodeFiles({ dir, dataDir: dir })
  const networkId = Buffer.from(networkIdOf(file)).toString('hex')
  const text = await readFile(files.config, 'utf8')
  const { networkId: pinned } = parseConfig({ dir, text, env: {} })
  if (pinned !== null && pinned !== networkId)
    throw new ConfigError([
      `${dir} belongs to network ${pinned} already: make a new node for another network`,
    ])
  const member = parseMemberFile(await readSmall(files.member), files.member)
  if (!membersOf(file).includes(member.peerId))
    throw new ConfigError([`the node in ${dir} (peer ${member.peerId}) is not in this genesis`])
  await writeFile(files.genesis, file)
  try {
    await writeFile(files.config, stringify({ ...parse(text), networkId }))
  } catch (error) {
    await rm(files.genesis, { force: true })
    throw error
  }
  return networkId
}

function membersOf(file: Uint8Array): readonly string[] {
  try {
    return decodeGenesis(file).members.map(({ peerId }) => peerId)
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new ConfigError([`this is not a genesis file: ${cause.message}`], { cause })
  }
}

async function readSmall(path: string): Promise<string> {
  const bytes = await readFile(path)
  if (bytes.length > MAX_MEMBER_FILE_BYTES) throw new ConfigError([`${path} is no member file`])
  return bytes.toString('utf8')
}
