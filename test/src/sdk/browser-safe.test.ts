import assert from 'node:assert/strict'
import { build } from 'esbuild'

/** What the SDK may weigh, compressed, without a transport (06 §1). */
const MAX_GZIP_BYTES = 60 * 1024

describe('the SDK in a browser', () => {
  it('bundles without anything of Node, and within its weight', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [new URL('../../../src/sdk/client.ts', import.meta.url).pathname],
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'browser', // a node: import would fail here
      target: 'es2023',
    })
    const [file] = outputFiles
    assert.ok(file !== undefined)
    assert.ok(!Object.keys(metafile.inputs).some((input) => input.startsWith('node:')))
    assert.ok(!/\bBuffer\b|\bprocess\./.test(file.text))
    const compressed = new Blob([file.contents]).stream().pipeThrough(new CompressionStream('gzip'))
    const { byteLength } = await new Response(compressed).arrayBuffer()
    assert.ok(byteLength <= MAX_GZIP_BYTES, `${byteLength} bytes`)
  })
})
