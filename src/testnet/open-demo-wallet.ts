import { generateKeyPairSync } from 'node:crypto'
import { createHoldfast } from '../sdk/client.ts'
import { keySigner } from '../sdk/key-signer.ts'
import type { DemoWallet } from './demo-wallet.ts'

const DEADLINE_MS = 60_000 // a first key generation on two busy cores

/** Makes a developer key and, with all nodes, an account for it. */
export async function openDemoWallet(
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<DemoWallet> {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  const signer = keySigner({ pkcs8: new Uint8Array(privateKey) })
  const client = createHoldfast({ nodes, signer, deadlineMs: DEADLINE_MS })
  const account = await client.createAccount({}, { signal })
  return {
    keyId: account.keyId,
    publicKey: account.publicKey,
    address: account.address,
    signTransaction: async (transaction, abort) => {
      let signers: readonly number[] = []
      const raw = await client.signTransaction(
        { account, transaction },
        {
          signal: abort,
          onAnswer: (answer) => {
            signers = answer.signers
          },
        },
      )
      return { raw, signers }
    },
  }
}
