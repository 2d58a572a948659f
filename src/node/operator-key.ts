import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { ConfigError } from './config.ts'

/** The Ed25519 key of an operator. It lives in a file of the operator, and never enters a guest (03 §1.1). */
export interface OperatorKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** Ed25519, 64 bytes. What is signed is the caller's to frame. */
  sign(message: Uint8Array): Uint8Array
}

const OTHERS = 0o077 // mode bits of everyone but the owner

/** Reads an `operator.key`: Ed25519, PKCS #8 PEM. @throws ConfigError when it is missing, open to others, or another kind of key. */
export async function readOperatorKey(path: string): Promise<OperatorKey> {
  let pem: string
  try {
    if (((await stat(path)).mode & OTHERS) !== 0)
      throw new ConfigError([
        `the operator's key ${path} is open to other users: chmod 600 ${path}`,
      ])
    pem = await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    const code = String((cause as NodeJS.ErrnoException).code)
    throw new ConfigError(
      [`the operator's key ${path} cannot be read (${code}): name the file that holds it`],
      { cause },
    )
  }
  const key = privateKeyOf(pem)
  if (key?.asymmetricKeyType !== 'ed25519')
    throw new ConfigError([`${path} is not an Ed25519 key in PKCS #8 PEM`])
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return {
    publicKey: new Uint8Array(spki.subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

function privateKeyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined // what the parser says may show bytes of the file
  }
}
