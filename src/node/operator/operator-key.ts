import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { ConfigError } from '../config.ts'

/** The operator's key: it stays in its file, and signs what was shown to the operator (03 §1.1). */
export interface OperatorKey {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

const OTHERS = 0o077

/** Reads PKCS #8 PEM. @throws ConfigError when it is missing, open to others, or no Ed25519 key. */
export async function readOperatorKey(file: string): Promise<OperatorKey> {
  let pem: Buffer
  try {
    if (((await stat(file)).mode & OTHERS) !== 0)
      throw refused(`${file} is open to other users`, `chmod 600 ${file}`)
    pem = await readFile(file)
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    const code = String((cause as NodeJS.ErrnoException).code)
    throw refused(`${file} cannot be read (${code})`, 'name the operator key with --operator-key')
  }
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw refused(`${file} is no private key`, 'name the operator key with --operator-key')
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw refused(`${file} is no Ed25519 key`, 'name the operator key with --operator-key')
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32)
  return {
    publicKey: new Uint8Array(publicKey),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

const refused = (what: string, todo: string): ConfigError => new ConfigError([`${what}: ${todo}`])
