import { deepEqual, equal } from 'node:assert/strict'
import { HDKey } from '@scure/bip32'
import { wasmKernel } from '../../protocols/kernel/load.ts'
import { derive } from '../../protocols/sign/bip32.ts'
import { seeded } from '../support/seeded.ts'
import { vectorFile } from './vector-file.ts'

interface Vectors {
  valid: { vector: number; chains: { path: string; xpub: string }[] }[]
}

const HARDENED = "'"
const kernel = wasmKernel(seeded('bip32 kernel'))
const publicOf = ({ publicKey, chainCode }: HDKey) => {
  if (!publicKey || !chainCode) throw new Error('a public key expected')
  return { publicKey: Uint8Array.from(publicKey), chainCode: Uint8Array.from(chainCode) }
}

describe('BIP32, official vectors', () => {
  it('hold for every chain that needs no secret of an ancestor among them', () => {
    let steps = 0
    for (const { chains } of vectorFile<Vectors>('bip32/bip32.json').valid) {
      for (const parent of chains) {
        for (const child of chains) {
          const below = child.path.slice(parent.path.length + 1)
          const related = child.path.startsWith(`${parent.path}/`)
          if (!related || below.includes(HARDENED)) continue
          const { publicKey, chainCode } = publicOf(HDKey.fromExtendedKey(parent.xpub))
          const derived = derive(publicKey, chainCode, below.split('/').map(Number))
          deepEqual(
            { publicKey: derived.publicKey, chainCode: derived.chainCode },
            publicOf(HDKey.fromExtendedKey(child.xpub)),
          )
          deepEqual(kernel.tweakPoint(publicKey, derived.epsilon), derived.publicKey)
          steps++
        }
      }
    }
    equal(steps, 7)
  })

  it('agree with @scure/bip32 on random keys and paths', () => {
    const random = seeded('bip32')
    for (let i = 0; i < 20; i++) {
      const parent = HDKey.fromMasterSeed(random(32))
      const path = Array.from(random(1 + (i % 5)), (byte) => byte * 8_421_504)
      const { publicKey, chainCode } = publicOf(parent)
      const derived = derive(publicKey, chainCode, path)
      const expected = path.reduce((key, index) => key.deriveChild(index), parent)
      deepEqual({ publicKey: derived.publicKey, chainCode: derived.chainCode }, publicOf(expected))
    }
  })
})
