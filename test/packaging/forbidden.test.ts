import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { BANS, forbidden } from '../support/forbidden.ts'

describe('forbidden words', () => {
  for (const file of globSync('{protocols,enclave-runtime,src}/**/*.ts').sort())
    it(`${file} has none`, () => {
      assert.deepEqual(forbidden(file, readFileSync(file, 'utf8')), [])
    })

  for (const planted of [
    'const n = Math.random()',
    'log(share.expose())',
    'const port = process.env.PORT',
    'const now = Date.now()',
    'setTimeout(tick, 5)',
    'setTimeout(async () => {})',
    "signal.addEventListener('abort', async () => {})",
    "eval('1')",
    "console.log('hello')",
  ])
    it(`catches a planted ${planted}`, () => {
      assert.notDeepEqual(forbidden('elsewhere/x.ts', planted), [])
    })

  it('has a planted case for each ban', () => {
    assert.equal(BANS.length, 8)
  })
})
