import { deepEqual, equal, match } from 'node:assert/strict'
import { Registry } from 'prom-client'
import { guestMetrics } from '../../../src/node/guest-metrics.ts'

const STATUS = {
  correlations: {
    pools: [
      { party: 2, ready: 31 },
      { party: 3, ready: 0 },
    ],
    batches: 5,
    unknown: 1,
    aborted: 4,
  },
  presignatures: { own: 3, held: 9 },
  keys: { active: 2, pending: 0, ready: 6 },
  loopDelayMs: 17,
}

describe('guestMetrics()', () => {
  it('serves what the guest says, and asks it once for all of it', async () => {
    const registry = new Registry()
    let asked = 0
    guestMetrics(registry, async () => {
      asked += 1
      return STATUS
    })
    const text = await registry.metrics()
    for (const line of [
      'holdfast_correlations_ready{member="2"} 31',
      'holdfast_correlations_ready{member="3"} 0',
      'holdfast_correlation_batches 5',
      'holdfast_correlations_unknown 1',
      'holdfast_correlations_aborted 4',
      'holdfast_presignatures_ready 3',
      'holdfast_keys_ready 6',
      'holdfast_guest_loop_delay_seconds 0.017',
    ])
      match(text, new RegExp(`^${line.replace(/[{}]/g, '\\$&')}$`, 'm'))
    equal(asked, 1)
  })

  it('serves the rest when the guest does not answer', async () => {
    const registry = new Registry()
    guestMetrics(registry, () => Promise.reject(new Error('gone')))
    const values = await registry.getMetricsAsJSON()
    deepEqual(
      values.map(({ values: [value] }) => value?.value ?? 0),
      [0, 0, 0, 0, 0, 0, 0],
    )
  })
})
