import { equal, match } from 'node:assert/strict'
import { Registry } from 'prom-client'
import { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import { committeeMetrics } from '../../../src/node/committee-metrics.ts'
import type { OperatorStatus } from '../../../src/node/operator/messages.ts'
import { exampleFirst, TIME } from '../../protocols/agreement/example-epochs.ts'
import { aStatus } from '../../support/fake-operator.ts'

describe('committeeMetrics()', () => {
  it('serves what the node knows of its committee, and asks once for all of it', async () => {
    const registry = new Registry()
    let asked = 0
    const [first, ...others] = aStatus().members
    const status: OperatorStatus = aStatus({
      epoch: { e: 3, k: 2 },
      record: Buffer.from(EpochRecord.encode(exampleFirst(5, 3).record)).toString('hex'),
      members: first === undefined ? [] : [{ ...first, silentMs: 20_000 }, ...others],
      attempt: {
        e: 4,
        k: 1,
        proposalHash: 'ab'.repeat(32),
        step: 'reshare',
        initiator: 2,
        deadline: TIME,
        round: 0,
        missing: [4, 5],
        inDoubtSince: null,
      },
      receipts: [{ e: 2, have: [1, 2, 3], missing: [4, 5] }],
      stampUntil: TIME + 7_200_000,
      alerts: [
        { id: 'evidence/3/two-votes', severity: 'page', message: '', todo: '', since: 1 },
        { id: 'missing/4', severity: 'warn', message: '', todo: '', since: 1 },
      ],
    })
    committeeMetrics(
      registry,
      async () => {
        asked += 1
        return status
      },
      () => TIME + 60_000,
    )
    const text = await registry.metrics()
    for (const line of [
      'holdfast_epoch 3',
      'holdfast_attempt 1',
      'holdfast_step{step="reshare"} 1',
      'holdfast_members{state="heard"} 4',
      'holdfast_members{state="silent"} 1',
      'holdfast_ready_missing 2',
      'holdfast_in_doubt 0',
      'holdfast_stamp_age_seconds 60',
      'holdfast_erase_receipts{epoch="2"} 3',
      'holdfast_equivocations 1',
      'holdfast_alerts{severity="page"} 1',
      'holdfast_alerts{severity="warn"} 1',
    ])
      match(text, new RegExp(`^${line.replace(/[{}]/g, '\\$&')}$`, 'm'))
    equal(asked, 1)
  })
})
