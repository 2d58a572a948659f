import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { SignatureForm } from '../../enclave-runtime/host/guest.ts'

/** Times of requests, and how this process keeps up. */
export interface RequestMetrics {
  /** A signature whose answer left: its phases and its whole, in milliseconds. */
  signed(phases: ReadonlyMap<string, number>, wholeMs: number): void
  /** A signature was led here, in this form (02 §6). */
  made(form: SignatureForm): void
}

const FORMS: readonly SignatureForm[] = ['presigned', 'correlated', 'full']
const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10] // 10 §6.4

/** Registers them once; a second call needs another registry. */
export function requestMetrics(registry: Registry): RequestMetrics {
  const registers = [registry]
  const phase = new Histogram({
    name: 'holdfast_request_phase_seconds',
    help: 'Where the time of signatures asked for at this node went; the phases of one add up to its whole',
    labelNames: ['phase'],
    buckets: BUCKETS,
    registers,
  })
  const whole = new Histogram({
    name: 'holdfast_request_seconds',
    help: 'Signatures asked for at this node, from the first byte of the request to the last of the answer',
    buckets: BUCKETS,
    registers,
  })
  const made = new Counter({
    name: 'holdfast_signatures_total',
    help: 'Signatures led here, by form: from a presignature, from correlations, or in full',
    labelNames: ['form'],
    registers,
  })
  for (const form of FORMS) made.inc({ form }, 0) // a rate needs a first value
  eventLoop(registers)
  return {
    signed: (phases, wholeMs) => {
      for (const [name, ms] of phases) phase.observe({ phase: name }, ms / 1000)
      whole.observe(wholeMs / 1000)
    },
    made: (form) => made.inc({ form }),
  }
}

const LOOP_RESOLUTION_MS = 50 // each look wakes the host: a hundred a second were a third of what an idle one costs

/** How late timers ran, 99 of 100 of them at most, since the last look. */
function eventLoop(registers: Registry[]): void {
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  delay.enable()
  new Gauge({
    name: 'holdfast_event_loop_p99_seconds',
    help: 'How late the event loop of the host was since the last scrape, 99 of 100 times at most',
    registers,
    collect() {
      const ms = delay.count === 0 ? 0 : delay.percentile(99) / 1e6 - LOOP_RESOLUTION_MS
      this.set(Math.max(0, ms) / 1000)
      delay.reset()
    },
  })
}
