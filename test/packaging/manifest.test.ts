import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { importsOf } from '../support/layers.ts'

interface Manifest {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}
interface Lock {
  packages: Record<string, { license?: string; dev?: boolean; resolved?: string; link?: boolean }>
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const lockText = readFileSync('package-lock.json', 'utf8')
const lock = JSON.parse(lockText) as Lock
const page = readFileSync('docs/dependencies.md', 'utf8')
const [runtimePage = '', developmentPage = ''] = page.split('## For development')
const named = (text: string): string[] =>
  [...text.matchAll(/^\| ((?:@?[\w./-]+(?:, )?)+) \|/gm)]
    .flatMap(([, names = '']) => names.split(', '))
    .filter((name) => name !== 'package')
    .sort()

const LICENCES = ['MIT', 'Apache-2.0', 'BSD-3-Clause', 'ISC', '0BSD', 'BlueOak-1.0.0']

describe('package.json', () => {
  it('pins every version exactly', () => {
    for (const [name, version] of Object.entries({
      ...manifest.dependencies,
      ...manifest.devDependencies,
    }))
      assert.match(version, /^(\d+\.\d+\.\d+|file:scripts\/dev-tools)$/, name)
  })

  it('lists the packages of docs/dependencies.md, and no others', () => {
    assert.deepEqual(named(runtimePage), [...Object.keys(manifest.dependencies), 'viem'].sort())
    assert.deepEqual(named(developmentPage), Object.keys(manifest.devDependencies).sort())
  })

  it('lists no package at run time that nothing imports', () => {
    const imported = new Set(
      globSync('{protocols,enclave-runtime,src}/**/*.ts').flatMap((file) =>
        importsOf(readFileSync(file, 'utf8')).map(({ target }) => packageOf(target)),
      ),
    )
    const unused = Object.keys(manifest.dependencies).filter((name) => !imported.has(name))
    assert.deepEqual(unused, [])
  })
})

describe('package-lock.json', () => {
  it('names no registry, so that it installs from whichever the reader uses', () => {
    assert.doesNotMatch(lockText, /https?:\/\/[^"]*\.tgz/)
    for (const [path, { resolved, link }] of Object.entries(lock.packages))
      assert.ok(resolved === undefined || link === true, path)
  })

  it('holds only licences that may be shipped, for what users install', () => {
    const others = Object.entries(lock.packages)
      .filter(([path, entry]) => path.startsWith('node_modules/') && entry.dev !== true)
      .map(([path, { license }]) => [path, license] as const)
      .filter(([, license]) => license === undefined || !allowed(license))
      .filter(([path]) => !path.includes('holdfast-dev-tools'))
    assert.deepEqual(others, [])
  })
})

/** An expression with OR needs one of ours; with AND it needs all. */
const allowed = (license: string): boolean =>
  license
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((one) => LICENCES.includes(one)))

const packageOf = (target: string): string =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
