import assert from 'node:assert/strict'
import { bytesToHex } from '@noble/hashes/utils.js'
import { type SessionBinding, sessionBinding } from '../../../protocols/request/binding.ts'

const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const binding: SessionBinding = {
  networkId: filled(1),
  epoch: 0,
  digest: filled(2),
  intentDigest: filled(3),
  chainDigest: filled(4),
  keyId: filled(5),
  path: [44, 60, 0, 0, 0],
  policyHash: filled(6),
  engine: 1,
  signers: [3, 1],
  attempt: 0,
  presignatureId: null,
}

describe('binding of a session', () => {
  it('changes with every field', () => {
    const changes: Partial<SessionBinding>[] = [
      { networkId: filled(9) },
      { epoch: 1 },
      { digest: filled(9) },
      { intentDigest: filled(9) },
      { chainDigest: filled(9) },
      { keyId: filled(9) },
      { path: [44, 60, 0, 0, 1] },
      { policyHash: filled(9) },
      { engine: 2 },
      { signers: [1, 2] },
      { attempt: 1 },
      { presignatureId: filled(9) },
    ]
    const all = [{}, ...changes].map((change) =>
      bytesToHex(sessionBinding({ ...binding, ...change })),
    )
    assert.equal(new Set(all).size, changes.length + 1)
    assert.equal(changes.length, Object.keys(binding).length)
  })

  it('does not depend on the order of signers, and refuses one named twice', () => {
    assert.deepEqual(
      sessionBinding({ ...binding, signers: [10, 9, 1] }),
      sessionBinding({ ...binding, signers: [1, 9, 10] }),
    )
    assert.deepEqual(binding.signers, [3, 1])
    assert.throws(() => sessionBinding({ ...binding, signers: [1, 1] }), /bug: a signer/)
  })
})
