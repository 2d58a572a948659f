#!/usr/bin/env node
// Plain JavaScript without static imports: it must explain itself on a Node too old for everything else.
const NEEDED = [22, 18]
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(`holdfast needs Node 22.18 or newer; this is ${process.version}.\n`)
  process.exit(1)
}

const { setFlagsFromString } = await import('node:v8')
// Before anything is loaded; the reasons: src/cli/heap-flags.ts
setFlagsFromString('--semi-space-growth-factor=1')
setFlagsFromString('--heap-growing-percent=100')

const { existsSync } = await import('node:fs')
// A package ships dist; a checkout runs its sources as they are.
const built = new URL('../dist/src/cli/main.js', import.meta.url)
await import(existsSync(built) ? built.href : new URL('../src/cli/main.ts', import.meta.url).href)
