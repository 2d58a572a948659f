import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { trespasses } from '../support/layers.ts'

describe('layers', () => {
  for (const file of globSync('{protocols,enclave-runtime,src}/**/*.ts').sort())
    it(`${file} stays in its room`, () => {
      assert.deepEqual(trespasses(file, readFileSync(file, 'utf8')), [])
    })

  // A checker that has never refused anything has not been tested.
  for (const [file, planted] of [
    ['protocols/keygen/x.ts', "import { handleRpc } from '../../src/gateway/handle-rpc.ts'"],
    ['protocols/crypto/x.ts', "import type { Party } from '../session/round.ts'"],
    ['protocols/kernel/reference/x.ts', "import { Secret } from '../../crypto/secret.ts'"],
    ['protocols/sign/x.ts', "import { setUpPair } from '../pair-setup/set-up-pair.ts'"],
    ['protocols/session/x.ts', "import { readFileSync } from 'node:fs'"],
    ['src/gateway/x.ts', "await import('../../enclave-runtime/guest/server.ts')"],
    ['src/gateway/x.ts', "import type { Libp2p } from 'libp2p'"],
    ['src/node/x.ts', "export { createGateway } from '../gateway/gateway.ts'"],
    ['src/sdk/x.ts', "import { generateKeys } from '../../protocols/keygen/generate-keys.ts'"],
    ['enclave-runtime/guest/x.ts', "import { level } from 'level'"],
    ['enclave-runtime/host/x.ts', "import { Vault } from '../guest/vault/vault.ts'"],
    ['src/secrets/x.ts', ''],
  ] as const)
    it(`catches a planted trespass in ${file}: ${planted || 'an unknown room'}`, () => {
      assert.equal(trespasses(file, planted).length, 1)
    })

  it('lets types through where only types are allowed', () => {
    const source = "import type { PairSetup } from '../pair-setup/set-up-pair.ts'"
    assert.deepEqual(trespasses('protocols/sign/x.ts', source), [])
  })
})
