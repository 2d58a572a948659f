import { deepEqual } from 'node:assert/strict'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { verifyMessage } from '../../protocols/request/proofs.ts'
import { encodeSpki, type SignatureAlgorithm } from '../../protocols/request/spki.ts'
import { fromHex, vectorFile } from './vector-file.ts'

interface Vectors {
  testGroups: {
    publicKey: { pk?: string; uncompressed?: string }
    tests: { tcId: number; msg: string; sig: string; result: 'valid' | 'invalid' }[]
  }[]
}

const lowS = (signature: Uint8Array): boolean =>
  !secp256k1.Signature.fromBytes(signature, 'compact').hasHighS()

const files: {
  file: string
  alg: SignatureAlgorithm
  cases: number
  allowed: (signature: Uint8Array) => boolean
}[] = [
  { file: 'wycheproof/ed25519_test.json', alg: 'EdDSA', cases: 151, allowed: () => true },
  {
    file: 'wycheproof/ecdsa_secp256k1_sha256_p1363_test.json',
    alg: 'ES256K',
    cases: 252,
    allowed: lowS, // the vectors allow a high s, our proofs do not
  },
]

describe('key proofs, Wycheproof', () => {
  for (const { file, alg, cases, allowed } of files) {
    it(`${alg}: every case has its outcome`, function () {
      this.timeout(30_000)
      let checked = 0
      const wrong: number[] = []
      for (const { publicKey, tests } of vectorFile<Vectors>(file).testGroups) {
        const spki = encodeSpki(alg, fromHex(publicKey.pk ?? publicKey.uncompressed ?? ''))
        for (const { tcId, msg, sig, result } of tests) {
          const signature = fromHex(sig)
          const expected = result === 'valid' && allowed(signature)
          if (verifyMessage(alg, spki, fromHex(msg), signature) !== expected) wrong.push(tcId)
          checked++
        }
      }
      deepEqual({ wrong, checked }, { wrong: [], checked: cases })
    })
  }
})
