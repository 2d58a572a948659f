import { Gauge, type Registry } from 'prom-client'
import type { GuestStatus } from '../../enclave-runtime/host/guest.ts'

/** What the guest says of what it makes ahead, asked at each scrape. */
type Numbers = Pick<GuestStatus, 'correlations' | 'presignatures' | 'keys' | 'loopDelayMs'>

/** Several gauges are collected at once: one question is enough for all. */
const SAME_SCRAPE_MS = 500

/** Registers them once. While the guest does not answer, they keep what it said last. */
export function guestMetrics(registry: Registry, ask: () => Promise<Numbers>): void {
  const registers = [registry]
  let asked: { readonly at: number; readonly numbers: Promise<Numbers | undefined> } | undefined
  const numbers = (): Promise<Numbers | undefined> => {
    const now = performance.now()
    if (asked === undefined || now - asked.at > SAME_SCRAPE_MS)
      asked = { at: now, numbers: ask().catch(() => undefined) } // /healthz says that it is gone
    return asked.numbers
  }
  const gauge = (name: string, help: string, read: (numbers: Numbers) => number): void => {
    new Gauge({
      name: `holdfast_${name}`,
      help,
      registers,
      async collect() {
        const known = await numbers()
        if (known !== undefined) this.set(read(known))
      },
    })
  }
  new Gauge({
    name: 'holdfast_correlations_ready',
    help: 'Correlations in the guest that the next signatures with a member may use',
    labelNames: ['member'],
    registers,
    async collect() {
      const known = await numbers()
      for (const { party, ready } of known?.correlations.pools ?? [])
        this.set({ member: String(party) }, ready)
    },
  })
  gauge(
    'correlation_batches',
    'Batches of correlations made since the guest started',
    ({ correlations }) => correlations.batches,
  )
  gauge(
    'correlations_unknown',
    'Correlations that were named and that one of the two guests did not hold, since the guest started',
    ({ correlations }) => correlations.unknown,
  )
  gauge(
    'correlations_aborted',
    'Correlations named in signatures that came to nothing, since the guest started',
    ({ correlations }) => correlations.aborted,
  )
  gauge(
    'presignatures_ready',
    'Presignatures that this guest may name',
    ({ presignatures }) => presignatures.own,
  )
  gauge('keys_ready', 'Keys that this guest may give to new accounts', ({ keys }) => keys.ready)
  gauge(
    'guest_loop_delay_seconds',
    'How long something held the main loop of the guest, at most, in the last minute; seen to 10 ms',
    ({ loopDelayMs }) => loopDelayMs / 1000,
  )
}
