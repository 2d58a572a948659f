import { readFile } from 'node:fs/promises'
import { MAX_GENESIS_BYTES } from '../../../protocols/agreement/genesis.ts'
import { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import { type Base, baseOfGenesis, baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import { ConfigError } from '../config.ts'
import { OperatorError, type OperatorStatus } from './messages.ts'

/**
 * What the next epoch would be made from, as its operator checks it: the record's hash must be what proposals name.
 * Before the first epoch it is the genesis file of the node's own directory. @throws OperatorError
 */
export async function baseOf(status: OperatorStatus, genesisFile: string): Promise<Base> {
  const base =
    status.record === null
      ? baseOfGenesis(await readGenesis(genesisFile))
      : decoded(() => baseOfRecord(EpochRecord.decode(fromHex(status.record ?? ''))))
  if (toHex(base.hash) !== status.baseHash || toHex(base.networkId) !== status.networkId)
    throw new OperatorError(
      'failed',
      'the node says one committee and shows another',
      'do not accept anything here; compare "epoch status" of other nodes',
    )
  return base
}

/** The genesis file of a node. @throws ConfigError */
export async function readGenesis(file: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(file)
    if (bytes.length <= MAX_GENESIS_BYTES) return new Uint8Array(bytes)
  } catch (cause) {
    const code = String((cause as NodeJS.ErrnoException).code)
    throw new ConfigError([`${file} cannot be read (${code})`], { cause })
  }
  throw new ConfigError([`${file} is no genesis file`])
}

/** What a node shows is decoded before it is believed. @throws OperatorError */
export function decoded<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new OperatorError('failed', `the node shows what is none: ${cause.message}`, undefined, {
      cause,
    })
  }
}

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
