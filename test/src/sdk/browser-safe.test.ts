import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

describe('the SDK in a browser', () => {
  it('bundles without anything of Node', async () => {
    const { outputFiles, metafile } = await build({
      stdin: {
        contents: "export * from './client.ts'; export * from './key-signer.ts'",
        resolveDir: fileURLToPath(new URL('../../../src/sdk/', import.meta.url)),
      },
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
    const ours = Object.keys(metafile.inputs).filter((input) => /^(src|protocols)\//.test(input))
    assert.ok(ours.length > 20, 'the bundle holds our files')
    for (const input of ours)
      assert.ok(!/\bBuffer\.|\bprocess\./.test(await readFile(input, 'utf8')), input)
  })
})
