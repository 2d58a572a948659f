import { deepEqual, equal } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dealPair, openKernel } from '../../../../protocols/kernel/reference/trusted-setup.ts'
import { dealKey, label, type Side, signTogether } from '../../../conformance/kernel-flow.ts'
import { seeded } from '../../../support/seeded.ts'

const ROOT = new URL('../../../../', import.meta.url)
const ROOMS = ['protocols', 'enclave-runtime', 'src', 'bin']
const ALLOWED = /^protocols\/simulation\//

/** Files of these rooms that import the trusted dealer, and may not. */
function importers(sources: Iterable<readonly [file: string, text: string]>): string[] {
  return [...sources]
    .filter(([file, text]) => !ALLOWED.test(file) && /['"].*trusted-setup/.test(text))
    .map(([file]) => file)
}

function* sourceFiles(): Generator<readonly [string, string]> {
  for (const room of ROOMS) {
    for (const name of readdirSync(new URL(`${room}/`, ROOT), { recursive: true })) {
      const file = `${room}/${name}`
      if (/\.[jt]s$/.test(file)) yield [file, readFileSync(new URL(file, ROOT), 'utf8')]
    }
  }
}

describe('trusted setup', () => {
  it('serves signatures like a real one', () => {
    const [lo, hi] = [openKernel(seeded('lo')), openKernel(seeded('hi'))]
    const dealt = dealPair(seeded('dealer'), lo, hi)
    const sides: [Side, Side] = [
      { kernel: lo.kernel, x: 1, ...dealt.lo },
      { kernel: hi.kernel, x: 2, ...dealt.hi },
    ]
    const { P, shares } = dealKey(sides)
    const signature = signTogether(sides, shares, label('m'), 'dealt')
    equal(lo.kernel.ecdsaVerify(P, label('m'), signature), true)
  })

  it('is imported by simulations alone', () => {
    deepEqual(importers(sourceFiles()), [])
  })

  it('would be found on the product path', () => {
    const planted = "import { dealPair } from '../kernel/reference/trusted-setup.ts'"
    deepEqual(importers([['src/node/node.ts', planted]]), ['src/node/node.ts'])
    deepEqual(importers([['protocols/simulation/desk.ts', planted]]), [])
  })
})
