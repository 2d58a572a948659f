import { equal, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const FLAGS = fileURLToPath(new URL('../../../src/cli/heap-flags.ts', import.meta.url))

/** 2 MB as a rule; 9 where it grew before the flags were set and did not shrink yet; 64 without them. */
const MOST_YOUNG_MB = 16

const run = (program: string, ...flags: string[]): number => {
  const args = [...flags, '--input-type=module', '--eval', program]
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

/** Megabytes of the young generation after much that lives a while. */
const youngMb = (...flags: string[]): number =>
  run(
    `
    import { getHeapSpaceStatistics } from 'node:v8'
    const kept = []
    for (let i = 0; i < 1_000_000; i++) kept[i % 100_000] = { a: i, b: [i] }
    const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    console.log(space_size / 2 ** 20)`,
    ...flags,
  )

/** How often the whole heap is marked while what is alive, about 40 MB, grows by half. */
const majors = (...flags: string[]): number =>
  run(
    `
    import { constants, PerformanceObserver } from 'node:perf_hooks'
    const kept = Array.from({ length: 400_000 }, (_, i) => ({ a: i, b: [i] }))
    gc()
    gc()
    let majors = 0
    const count = (entries) => {
      for (const { detail } of entries)
        if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) majors++
    }
    const observer = new PerformanceObserver((list) => count(list.getEntries()))
    observer.observe({ entryTypes: ['gc'] })
    for (let turn = 0; turn < 100; turn++) {
      for (let i = 0; i < 2_000; i++) kept.push({ a: i, b: [i] })
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    count(observer.takeRecords())
    console.log(majors)`,
    '--expose-gc',
    '--max-semi-space-size=1',
    ...flags,
  )

describe('the heap of a node', () => {
  it('has a small young generation, so that buffers are freed before the whole heap is marked for them', () => {
    ok(youngMb('--import', FLAGS) <= MOST_YOUNG_MB)
    ok(youngMb() > MOST_YOUNG_MB) // what it would be
  })

  it('is not marked as a whole before it doubles', () => {
    equal(majors('--import', FLAGS), 0)
    ok(majors('--heap-growing-percent=10') > 0) // what a tenth of room does
  })
})
