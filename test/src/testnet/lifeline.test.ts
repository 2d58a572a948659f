import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { findAnvil, startAnvil } from '../../../src/testnet/anvil.ts'
import { CheckError } from '../../../src/testnet/chain.ts'
import { checkChain } from '../../../src/testnet/demo.ts'
import { allGone, childrenOf, type ProcessRef, refOf } from '../../../src/testnet/process.ts'
import { spawnWithLifeline } from '../../../src/testnet/spawn-with-lifeline.ts'

const DEADLINE_MS = 5_000
const moduleOf = (name: string): string =>
  JSON.stringify(new URL(`../../../src/testnet/${name}.ts`, import.meta.url).href)

/** A process that starts another with a lifeline and then does `after`. */
async function parentThat(start: string, after: string): Promise<ChildProcess> {
  const source = `${start}; console.log(pid); ${after}`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  await once(parent, 'spawn')
  return parent
}

/** What a process holds, once it has started it. */
async function heldBy(holder: number): Promise<ProcessRef[]> {
  const end = performance.now() + DEADLINE_MS
  while (performance.now() < end) {
    const held = await childrenOf(holder)
    if (held.length > 0) return held
  }
  return assert.fail('it started nothing')
}

/** The process that the parent named, and what it holds. */
async function familyOf(parent: ChildProcess): Promise<ProcessRef[]> {
  assert.ok(parent.stdout !== null)
  for await (const line of createInterface({ input: parent.stdout })) {
    const holder = Number(line)
    return [await refOf(holder), ...(await heldBy(holder))]
  }
  return assert.fail('the parent named no process')
}

const patient = `import { spawnWithLifeline } from ${moduleOf('spawn-with-lifeline')}
const { pid } = spawnWithLifeline(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'])`

describe('a program with a lifeline', () => {
  const ends: Record<string, { after: string; end?: (parent: ChildProcess) => void }> = {
    'is killed': {
      after: 'process.stdin.resume()',
      end: (parent) => void parent.kill('SIGKILL'),
    },
    'exits at a second signal': {
      after: 'process.on("SIGINT", () => process.exit(130)); process.stdin.resume()',
      end: (parent) => void parent.kill('SIGINT'),
    },
    'throws what nobody catches': {
      after: 'process.stdin.once("data", () => { throw new Error("uncaught") })',
      end: (parent) => void parent.stdin?.write('now\n'),
    },
  }
  for (const [how, { after, end }] of Object.entries(ends))
    it(`ends when the process that started it ${how}`, async () => {
      const parent = await parentThat(patient, after)
      const family = await familyOf(parent)
      assert.equal(family.length, 2)
      end?.(parent)
      assert.equal(await allGone(family, DEADLINE_MS), true)
    })

  it('ends with SIGTERM, and gives the exit code of the program', async () => {
    const child = spawnWithLifeline(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'])
    const held = await heldBy(child.pid ?? 0)
    child.kill('SIGTERM')
    assert.equal(await allGone(held, DEADLINE_MS), true)
    const short = spawnWithLifeline(process.execPath, ['-e', 'process.exit(7)'])
    assert.deepEqual(await once(short, 'exit'), [7, null])
    const none = spawnWithLifeline('/nowhere/at/all', [])
    assert.deepEqual(await once(none, 'exit'), [1, null])
  })
})

const executable = findAnvil({}) // undefined where its package is not installed: it is for Linux on x86-64
const localChain = (anvil: string): void => {
  it('is gone when whoever started it is killed', async () => {
    const start = `import { startAnvil } from ${moduleOf('anvil')}
const { pid } = await startAnvil(${JSON.stringify(anvil)})`
    const parent = await parentThat(start, 'process.stdin.resume()')
    const family = await familyOf(parent)
    parent.kill('SIGKILL')
    assert.equal(await allGone(family, DEADLINE_MS), true)
  })

  it('is gone when it is stopped', async () => {
    const chain = await startAnvil(anvil)
    const held = await childrenOf(chain.pid)
    assert.equal(held.length, 1)
    await chain.stop()
    assert.equal(await allGone([await refOf(chain.pid), ...held], DEADLINE_MS), true)
  })
}
if (executable !== undefined) describe('the local chain', () => localChain(executable))

describe('the demonstration without a local chain', () => {
  it('fails where it is to end after success, unless it was told to go without', () => {
    assert.throws(() => checkChain(undefined, { once: true, env: {} }), /no local chain/)
    assert.throws(() => checkChain(undefined, { once: true, env: { ANVIL: '' } }), CheckError)
    checkChain(undefined, { once: true, env: { ANVIL: 'none' } })
    checkChain(undefined, { once: false, env: {} })
    checkChain('/usr/bin/anvil', { once: true, env: {} })
  })
})
