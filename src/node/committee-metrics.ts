import { Gauge, type Registry } from 'prom-client'
import { EpochRecord } from '../../protocols/agreement/objects/record.ts'
import type { OperatorStatus } from './operator/messages.ts'
import { silentOf } from './operator/missing.ts'

/** Several gauges are collected at once: one question is enough for all. */
const SAME_SCRAPE_MS = 500

/** Registers the numbers of the committee (03 §12), asked for at each scrape. While the guest does not answer, they keep what it said last. */
export function committeeMetrics(
  registry: Registry,
  ask: () => Promise<OperatorStatus>,
  now: () => number,
): void {
  const registers = [registry]
  let asked:
    | { readonly at: number; readonly status: Promise<OperatorStatus | undefined> }
    | undefined
  const known = (): Promise<OperatorStatus | undefined> => {
    const at = performance.now()
    if (asked === undefined || at - asked.at > SAME_SCRAPE_MS)
      asked = { at, status: ask().catch(() => undefined) } // /healthz says that it is gone
    return asked.status
  }
  const gauge = (name: string, help: string, read: (status: OperatorStatus) => number): void => {
    new Gauge({
      name: `holdfast_${name}`,
      help,
      registers,
      async collect() {
        const status = await known()
        if (status !== undefined) this.set(read(status))
      },
    })
  }
  const labelled = <L extends string>(
    name: string,
    help: string,
    label: L,
    read: (status: OperatorStatus) => readonly (readonly [string, number])[],
  ): void => {
    new Gauge<L>({
      name: `holdfast_${name}`,
      help,
      labelNames: [label],
      registers,
      async collect() {
        const status = await known()
        if (status === undefined) return
        this.reset()
        for (const [value, count] of read(status))
          this.set({ [label]: value } as Record<L, string>, count)
      },
    })
  }
  gauge(
    'epoch',
    'The newest epoch that is decided; -1 before the first',
    ({ epoch }) => epoch?.e ?? -1,
  )
  gauge('attempt', 'The attempt that runs; 0 when none does', ({ attempt }) => attempt?.k ?? 0)
  labelled('step', '1 for the step of the attempt that runs', 'step', ({ attempt }) =>
    attempt === null ? [] : [[attempt.step, 1]],
  )
  labelled(
    'members',
    'Members of the epoch that serves, as this node hears them',
    'state',
    (status) => {
      const silent = silentOf(status).length
      return [
        ['heard', status.members.length - silent],
        ['silent', silent],
      ]
    },
  )
  labelled(
    'contributing',
    '1 for each member that contributes, as most of the others see it',
    'node',
    ({ members }) =>
      members.map(({ index, contributing }) => [String(index), contributing ? 1 : 0]),
  )
  gauge('ready_missing', 'Members whose READY the attempt waits for', ({ attempt }) =>
    attempt === null ? 0 : attempt.missing.length,
  )
  gauge('qbft_round', 'Round of the decision that runs; 0 when none does', ({ attempt }) =>
    attempt === null ? 0 : attempt.round,
  )
  gauge('in_doubt', '1 while READY is signed and no decision is known', ({ attempt }) =>
    attempt === null || attempt.inDoubtSince === null ? 0 : 1,
  )
  gauge('stamp_age_seconds', 'Age of the stamp of the committee; -1 without one', (status) => {
    if (status.stampUntil === null || status.record === null) return -1
    const { params } = EpochRecord.decode(new Uint8Array(Buffer.from(status.record, 'hex')))
    return (now() - (status.stampUntil - 2 * params.stampS * 1000)) / 1000
  })
  labelled(
    'erase_receipts',
    'Members that signed that they erased an epoch that ended',
    'epoch',
    (status) => status.receipts.map(({ e, have }) => [String(e), have.length]),
  )
  gauge(
    'equivocations',
    'Members that signed two STARTs of an attempt or two votes of a round, since the guest started',
    ({ alerts }) => alerts.filter(({ id }) => id.startsWith('evidence/')).length,
  )
  labelled('alerts', 'What wants the operator now', 'severity', ({ alerts }) =>
    (['page', 'warn'] as const).map((severity) => [
      severity,
      alerts.filter((alert) => alert.severity === severity).length,
    ]),
  )
}
