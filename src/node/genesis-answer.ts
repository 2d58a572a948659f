import { readFile } from 'node:fs/promises'
import { committeeIdOf, networkIdOf } from '../../protocols/agreement/genesis.ts'
import { Answer } from '../../protocols/agreement/objects/proposal.ts'
import { signedMessage } from '../../protocols/agreement/signed-object.ts'
import { ConfigError } from './config.ts'
import type { OperatorKey } from './operator-key.ts'

const FILE = /^[0-9a-f]{128}\n$/

/**
 * The operator's yes to a genesis file that names its node (03 §1.2): Ed25519 over the answer with seq 1 and null in
 * its own place, 64 bytes. It can be signed before any guest runs.
 */
export function signGenesisAnswer(
  genesis: Uint8Array,
  index: number,
  key: OperatorKey,
): Uint8Array {
  const networkId = networkIdOf(genesis)
  const answer = Answer.encode({
    committeeId: committeeIdOf(networkId, 0),
    baseHash: networkId,
    proposalHash: networkId,
    seq: 1,
    yes: true,
    index,
    operatorSig: null,
  })
  return key.sign(signedMessage('answer', networkId, answer))
}

/** The text of a `genesis-answer`: nothing in it is secret. */
export const formatGenesisAnswer = (signature: Uint8Array): string =>
  `${Buffer.from(signature).toString('hex')}\n`

/** The signature in such a file; null where there is none: the operator has not said yes. @throws ConfigError */
export async function readGenesisAnswer(path: string): Promise<Uint8Array | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new ConfigError([`${path} cannot be read (${String(code)})`], { cause })
  }
  if (!FILE.test(text))
    throw new ConfigError([`${path} is not the signature that "holdfast genesis adopt" writes`])
  return new Uint8Array(Buffer.from(text.trim(), 'hex'))
}
