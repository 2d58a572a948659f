import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { browserBundle, gzippedBytes } from './bundles.ts'
import { findChromium, launch } from './chromium.ts'
import type { BrowserRun } from './two-of-three.ts'

const PAGE = 'test/browser/page.ts'
const DIGEST = createHash('sha256').update('holdfast in a browser').digest()

/** Under the test's name in the report. */
const say = (line: string): void => void process.stdout.write(`      ${line}\n`)

/** A browser on a page of a loopback server, which carries the bundle and nothing else. */
async function inPage<T>(
  executable: string,
  script: Uint8Array,
  use: (evaluate: <R>(expression: string) => Promise<R>) => Promise<T>,
): Promise<T> {
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><script src="/page.js"></script>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const browser = await launch(executable)
  try {
    const page = await browser.newPage()
    const errors: Error[] = []
    page.on('pageerror', (error) => errors.push(error))
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    assert.deepEqual(errors, [])
    return await use((expression) => page.evaluate(expression))
  } finally {
    await browser.close()
    server.closeAllConnections()
    server.close()
  }
}

describe('in a browser', () => {
  it('bundles kernel and simulation without anything of Node, and says how large', async () => {
    for (const [name, entry] of [
      ['kernel', 'protocols/kernel/load.ts'],
      ['kernel, key generation, signing, simulation', PAGE],
      ['SDK', 'src/sdk/index.ts'],
    ] as const) {
      const bundle = await browserBundle(entry)
      assert.ok(bundle.length > 0)
      say(`${name}: ${bundle.length} B minified, ${gzippedBytes(bundle)} B gzipped`)
    }
  })

  it('makes a 2-of-3 key and signs with it in headless Chromium', async function () {
    const executable = findChromium()
    if (executable === undefined) {
      say('no Chromium here: install it, or name it in CHROMIUM')
      this.skip()
    }
    const bundle = await browserBundle(PAGE)
    const run = await inPage(executable, bundle, (evaluate) =>
      evaluate<BrowserRun>(`twoOfThree(new Uint8Array(${JSON.stringify([...DIGEST])}))`),
    )
    const key = Buffer.from(run.publicKey, 'hex')
    assert.equal(run.signatures.length, 3)
    for (const { r, s } of run.signatures)
      assert.ok(secp256k1.verify(Buffer.from(r + s, 'hex'), DIGEST, key, { prehash: false }))
    assert.equal(run.held, 0)
    const at = (ms: number): string => `${ms.toFixed(1)} ms`
    say(
      `three kernels loaded in ${at(run.loadMs)}; three pair setups ${at(run.setupMs)}, the key ${at(run.keygenMs)}, a warm signature ${at(run.signMs)}, all parties in one thread`,
    )
  })

  it('says why nothing runs where WebAssembly has no SIMD', async function () {
    const executable = findChromium()
    if (executable === undefined) this.skip()
    const bundle = await browserBundle(PAGE)
    const refused = await inPage(executable, bundle, async (evaluate) => {
      await evaluate('WebAssembly.validate = () => false')
      return evaluate<string>('twoOfThree(new Uint8Array(32)).catch((error) => error.name)')
    })
    assert.equal(refused, 'SimdMissing')
  })
})
