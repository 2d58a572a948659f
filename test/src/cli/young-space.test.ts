import { equal, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SPACE = fileURLToPath(new URL('../../../src/cli/young-space.ts', import.meta.url))

/** Megabytes of the young generation after much that lives a while. */
function youngMb(...flags: string[]): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8'
    const kept = []
    for (let i = 0; i < 1_000_000; i++) kept[i % 100_000] = { a: i, b: [i] }
    const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    console.log(space_size / 2 ** 20)`
  const args = [...flags, '--input-type=module', '--eval', program]
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

describe('the young generation of a node', () => {
  it('stays small, so that buffers are freed before the whole heap is marked for them', () => {
    ok(youngMb('--import', SPACE) <= 4)
    equal(youngMb() > 4, true) // what it would be
  })
})
