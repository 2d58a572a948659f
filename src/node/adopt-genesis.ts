import { readFile, rm, writeFile } from 'node:fs/promises'
import { parse, stringify } from 'smol-toml'
import { decodeGenesis, networkIdOf } from '../../protocols/agreement/genesis.ts'
import type { Member } from '../../protocols/agreement/objects/member.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import { ConfigError, parseConfig } from './config.ts'
import { formatGenesisAnswer, signGenesisAnswer } from './genesis-answer.ts'
import { MAX_MEMBER_FILE_BYTES, parseMemberFile } from './member-file.ts'
import { nodeFiles } from './node-files.ts'
import { readOperatorKey } from './operator-key.ts'

/**
 * Makes the node in `dir` a member of the network of this genesis file: writes it with its operator's signed yes, and
 * pins the network id in node.toml. Returns that id as hex. `operatorKey` is the file of the key where it is not in
 * `dir`. @throws ConfigError when the node is not in it or belongs to another network already, or the key is not that
 * of its operator.
 */
export async function adoptGenesis(
  dir: string,
  file: Uint8Array,
  operatorKey?: string,
): Promise<string> {
  const files = nodeFiles({ dir, dataDir: dir })
  const networkId = Buffer.from(networkIdOf(file)).toString('hex')
  const text = await readFile(files.config, 'utf8')
  const { networkId: pinned } = parseConfig({ dir, text, env: {} })
  if (pinned !== null && pinned !== networkId)
    throw new ConfigError([
      `${dir} belongs to network ${pinned} already: make a new node for another network`,
    ])
  const member = parseMemberFile(await readSmall(files.member), files.member)
  const entry = membersOf(file).find(({ peerId }) => peerId === member.peerId)
  if (entry === undefined)
    throw new ConfigError([`the node in ${dir} (peer ${member.peerId}) is not in this genesis`])
  const keyFile = operatorKey ?? files.operatorKey
  const key = await readOperatorKey(keyFile)
  if (!Buffer.from(key.publicKey).equals(entry.operatorKey))
    throw new ConfigError([`${keyFile} is not the key of the operator that this genesis names`])
  await writeFile(
    files.genesisAnswer,
    formatGenesisAnswer(signGenesisAnswer(file, entry.index, key)),
  )
  await writeFile(files.genesis, file)
  try {
    await writeFile(files.config, stringify({ ...parse(text), networkId }))
  } catch (error) {
    for (const made of [files.genesis, files.genesisAnswer]) await rm(made, { force: true })
    throw error
  }
  return networkId
}

function membersOf(file: Uint8Array): readonly Member[] {
  try {
    return decodeGenesis(file).members
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
