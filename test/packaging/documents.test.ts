import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
].concat(globSync('{docs,docker,protocols,enclave-runtime,src,test}/**/*.md'))

/** The sections that docs/spec has, as "02 §6.2". */
const sections = new Set(
  globSync('docs/spec/*.md').flatMap((page) => {
    const number = /(\d\d)-/.exec(page)?.[1] ?? ''
    return [...readFileSync(page, 'utf8').matchAll(/^(?:#+ |\*\*)?(\d+(?:\.\d+)*)\.? /gm)].map(
      ([, section]) => `${number} §${section}`,
    )
  }),
)

/** The specification names rooms that come with later versions, the vectors files of their sources. */
const later = (page: string): boolean =>
  page.startsWith('docs/spec/') || page.startsWith('test/vectors/')

describe('documents', () => {
  for (const page of pages)
    it(`${page} has no dead link`, () => {
      const dead = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
        .map(([, target = '']) => join(dirname(page), target))
        .filter((target) => !existsSync(target))
      assert.deepEqual(dead, [])
    })

  for (const page of pages)
    it(`${page} names files that exist`, () => {
      const named = [...readFileSync(page, 'utf8').matchAll(/`((?:[\w.-]+\/)+[\w.-]*)`/g)]
        .map(([, path = '']) => path)
        .filter((path) =>
          /^(protocols|enclave-runtime|src|test|bench|scripts|docs|docker|bin)\//.test(path),
        )
      const gone = named.filter((path) => !existsSync(path) && !later(page))
      assert.deepEqual(gone, [])
    })

  it('have every section of the specification that code cites', () => {
    const cited = globSync('{protocols,enclave-runtime,src,bench}/**/*.ts').flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\b(\d\d) §(\d+(?:\.\d+)*)/g)].map(
        ([, page, section]) => ({ file, section: `${page} §${section}` }),
      ),
    )
    assert.ok(cited.length > 50, 'code cites its specification')
    assert.deepEqual(
      cited.filter(({ section }) => !sections.has(section)),
      [],
    )
  })

  it('speak of the project alone', () => {
    const foreign = /\.\.\/shared|\/work\/|\/tmp\/hf|registry\.npmjs/
    const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n')
    const found = files
      .filter((file) => existsSync(file) && file !== 'test/packaging/documents.test.ts')
      .filter((file) => file !== 'test/support/shared.ts')
      .filter((file) => foreign.test(readFileSync(file, 'utf8')))
    assert.deepEqual(found, [])
  })
})
