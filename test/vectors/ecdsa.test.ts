import { deepEqual, equal } from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Kernel } from '../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../protocols/kernel/load.ts'
import { q, readScalar, writeScalar } from '../../protocols/kernel/reference/curve.ts'
import { referenceKernel } from '../../protocols/kernel/reference/reference-kernel.ts'
import { seeded } from '../support/seeded.ts'
import { fromHex, vectorFile } from './vector-file.ts'

interface Vectors {
  numberOfTests: number
  testGroups: {
    publicKey: { uncompressed: string }
    tests: { tcId: number; msg: string; sig: string; result: 'valid' | 'invalid' }[]
  }[]
}
interface RS {
  r: Uint8Array
  s: Uint8Array
}

/** The recovery ids under which the kernel accepts. */
const acceptedBy =
  (kernel: Kernel) =>
  (P: Uint8Array, digest: Uint8Array, { r, s }: RS): number[] =>
    [0, 1, 2, 3].filter((recovery) => kernel.ecdsaVerify(P, digest, { r, s, recovery }))

const cases = (file: string) =>
  vectorFile<Vectors>(file).testGroups.flatMap(({ publicKey, tests }) => {
    const P = secp256k1.Point.fromHex(publicKey.uncompressed).toBytes(true)
    return tests.map(({ tcId, msg, sig, result }) => ({
      tcId,
      P,
      digest: sha256(fromHex(msg)),
      sig: fromHex(sig),
      result,
    }))
  })

for (const make of [referenceKernel, wasmKernel])
  describe(`ECDSA, Wycheproof: ${make.name}`, () => {
    const accepted = acceptedBy(make(seeded('ecdsa')))

    it('low-s signatures in DER: valid ones hold for exactly one recovery id, invalid ones for none', function () {
      this.timeout(30_000)
      const all = cases('wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json')
      equal(all.length, 463)
      for (const { tcId, P, digest, sig, result } of all) {
        const parsed = fromDer(sig)
        const count = parsed === undefined ? 0 : accepted(P, digest, parsed).length
        deepEqual([tcId, count], [tcId, result === 'valid' ? 1 : 0])
      }
    })

    it('r ‖ s: valid ones hold once s is low, and never before', function () {
      this.timeout(30_000)
      const all = cases('wycheproof/ecdsa_secp256k1_sha256_p1363_test.json')
      equal(all.length, 252)
      for (const { tcId, P, digest, sig, result } of all) {
        const r = sig.slice(0, 32)
        const s = sig.slice(32)
        const value = readScalar(s)
        const high = value !== undefined && value > q >> 1n
        const count = accepted(P, digest, { r, s }).length
        deepEqual([tcId, count], [tcId, result === 'valid' && !high ? 1 : 0])
        if (!high) continue
        const low = accepted(P, digest, { r, s: writeScalar(q - value) }).length
        deepEqual([tcId, low], [tcId, result === 'valid' ? 1 : 0])
      }
    })
  })

/** r and s of a strict DER signature. */
function fromDer(sig: Uint8Array): RS | undefined {
  try {
    const { r, s } = secp256k1.Signature.fromBytes(sig, 'der')
    return { r: writeScalar(r), s: writeScalar(s) }
  } catch {
    return undefined // not DER, or out of range: no kernel ever sees it
  }
}
