import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { METHOD_ACCESS, OWNERS_READ } from '../../../protocols/request/method-access.ts'
import { METHOD_CLASSES } from '../../../protocols/request/methods.ts'

const page = readFileSync('docs/spec/05-access.md', 'utf8')
const methods = page.slice(page.indexOf('### 4.1'), page.indexOf('### 4.3'))

describe('access to methods', () => {
  it('knows methods of 05 §4.1 only', () => {
    for (const method of Object.keys(METHOD_ACCESS))
      assert.match(methods, new RegExp(`(?<![\\w.])${method.replace('.', '\\.')}(?!\\w)`), method)
  })

  it('gives the methods of today the classes that they have', () => {
    for (const [method, asks] of Object.entries(METHOD_CLASSES))
      assert.equal(METHOD_ACCESS[method], asks === 'account.create' ? 'registration' : asks)
  })

  it('lets owners read what accounts may read', () => {
    for (const method of OWNERS_READ) assert.equal(METHOD_ACCESS[method], 'read.private')
  })
})
