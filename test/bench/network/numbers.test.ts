import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { parse } from 'smol-toml'
import {
  parseMetrics,
  phasesBetween,
  phaseTable,
  total,
} from '../../../bench/network/metrics-text.ts'
import { histogram, quantiles, slope } from '../../../bench/network/quantiles.ts'
import { floorMs, guestTable, parseScenario } from '../../../bench/network/scenario.ts'
import { PHASES } from '../../../src/coordinator/phases.ts'
import { parseConfig } from '../../../src/node/config.ts'

describe('quantiles()', () => {
  it('are nearest ranks: values that were measured, whatever the order', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i)
    deepEqual(quantiles(values), { count: 100, min: 1, p50: 50, p90: 90, p99: 99, max: 100 })
    deepEqual(quantiles([7]), { count: 1, min: 7, p50: 7, p90: 7, p99: 7, max: 7 })
  })
})

describe('histogram()', () => {
  it('counts every value once, at its bound inclusive', () => {
    const counts = histogram([0.5, 1, 1.5, 20, 20.1, 99_999])
    const filled = counts.filter(({ count }) => count > 0)
    deepEqual(filled, [
      { upTo: 1, count: 2 },
      { upTo: 2, count: 1 },
      { upTo: 20, count: 1 },
      { upTo: 50, count: 1 },
      { upTo: Number.POSITIVE_INFINITY, count: 1 },
    ])
  })
})

describe('slope()', () => {
  it('is that of the line through the points', () => {
    const line = [0, 1, 2, 3].map((x) => [x, 5 + 2 * x] as const)
    ok(Math.abs(slope(line) - 2) < 1e-9)
    equal(slope([[1, 5]]), 0)
    equal(slope([]), 0)
  })
})

describe('phases of a scrape', () => {
  const text = (phases: Record<string, [number, number]>, whole: [number, number]): string =>
    [
      '# HELP holdfast_request_phase_seconds text',
      ...Object.entries(phases).flatMap(([phase, [sum, count]]) => [
        `holdfast_request_phase_seconds_bucket{le="0.001",phase="${phase}"} 0`,
        `holdfast_request_phase_seconds_sum{phase="${phase}"} ${sum}`,
        `holdfast_request_phase_seconds_count{phase="${phase}"} ${count}`,
      ]),
      `holdfast_request_seconds_sum ${whole[0]}`,
      `holdfast_request_seconds_count ${whole[1]}`,
    ].join('\n')

  it('are differences, with what they explain and which forms they show', () => {
    const before = parseMetrics(text({ gateway: [0.1, 5], r2: [1, 2], r1b: [1, 1] }, [3, 5]))
    const after = parseMetrics(
      text({ gateway: [0.2, 15], r2: [1.4, 6], r1b: [1.2, 2], r3: [0.2, 10] }, [4, 15]),
    )
    const phases = phasesBetween(before, after, PHASES)
    equal(phases.count, 10)
    ok(Math.abs(phases.wholeMs - 100) < 1e-9)
    ok(Math.abs(phases.explained - 0.9) < 1e-9)
    deepEqual(phases.forms, { a: 1, b: 3, c: 6 })
    ok(phaseTable(phases).some((line) => line.includes('explain 90.0 %')))
    equal(total(after, 'holdfast_request_phase_seconds_count', 'phase="r2"'), 6)
  })
})

describe('scenarios', () => {
  it('that lie here are read, and what no file may say is named', () => {
    const files = globSync('bench/scenarios/*.toml')
    ok(files.length >= 3)
    for (const file of files) ok(parseScenario(readFileSync(file, 'utf8')).stages.length > 0)
    throws(() => parseScenario('nodes = 5'), /stages/)
    throws(
      () => parseScenario('[[stages]]\nkind = "rate"\nform = "d"\nperSecond = 0'),
      /form.*perSecond/s,
    )
  })

  it('hold guests to a form by switching pools off in node.toml', () => {
    for (const form of ['a', 'b', 'c'] as const) {
      const { guest } = parseConfig({ dir: '/n', text: '', env: {} })
      const table = guestTable(form)
      const text = JSON.stringify(table) === '{}' ? '' : toml(table)
      const held = parseConfig({ dir: '/n', text, env: {} }).guest
      equal(held.presignatures.keep, form === 'c' ? guest.presignatures.keep : 0)
      equal(held.correlations.high, form === 'a' ? 0 : guest.correlations.high)
    }
  })

  it('know the floors of a client beside its node', () => {
    const link = parse('delayMs = 25') as { delayMs: number }
    const floors = (['c', 'b', 'a'] as const).map((form) =>
      floorMs(form, { jitterMs: 0, loss: 0, mbit: 0, ...link }),
    )
    deepEqual(floors, [100, 200, 250]) // 2d, 4d, 5d at d = 50
  })
})

const toml = (tables: Record<string, unknown>): string =>
  Object.entries(tables)
    .map(([name, fields]) =>
      [
        `[guest.${name}]`,
        ...Object.entries(fields as Record<string, number>).map(([key, n]) => `${key} = ${n}`),
      ].join('\n'),
    )
    .join('\n')
