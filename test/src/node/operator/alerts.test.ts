import assert from 'node:assert/strict'
import type { CommitteeNotice } from '../../../../enclave-runtime/host/guest.ts'
import { EpochRecord } from '../../../../protocols/agreement/objects/record.ts'
import { AlertBook, alertsOf } from '../../../../src/node/operator/alerts.ts'
import type { Alert, OperatorStatus } from '../../../../src/node/operator/messages.ts'
import { exampleFirst, TIME } from '../../../protocols/agreement/example-epochs.ts'
import { aStatus } from '../../../support/fake-operator.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const RECORD = Buffer.from(EpochRecord.encode(exampleFirst(5, 3).record)).toString('hex')
const NOW = TIME + HOUR

const silent = (silence: Readonly<Record<number, number>>): OperatorStatus['members'] =>
  aStatus().members.map((member) => ({ ...member, silentMs: silence[member.index] ?? 0 }))

const raisedBy = (
  change: Partial<OperatorStatus>,
  notices: readonly CommitteeNotice[] = [],
  now = NOW,
) => {
  const fresh = { record: RECORD, stampUntil: now + 2 * HOUR }
  return alertsOf(
    {
      status: aStatus({ ...fresh, ...change }),
      notices: notices.map((notice) => ({ at: TIME, notice })),
      startedAt: TIME,
    },
    { missingMinutes: 30 },
    now,
  )
}
const idsOf = (...given: Parameters<typeof raisedBy>): string[] =>
  raisedBy(...given).map(({ id }) => id)

describe('alertsOf()', () => {
  it('is silent while everything is well', () => {
    assert.deepEqual(raisedBy({}), [])
  })

  it('tells of a member that is missing too long, with the command that proposes its removal', () => {
    const [alert, ...others] = raisedBy({ members: silent({ 4: 31 * MINUTE }) })
    assert.deepEqual(others, [])
    assert.equal(alert?.id, 'missing/4')
    assert.equal(alert?.todo, 'holdfast epoch propose remove 4')
    assert.deepEqual(idsOf({ members: silent({ 4: 29 * MINUTE }) }), [])
  })

  it('calls it a partition when those who are missing are too many to be removed', () => {
    const raised = raisedBy({ members: silent({ 4: HOUR, 5: HOUR }) })
    assert.deepEqual(
      raised.map(({ id, severity }) => [id, severity]),
      [
        ['signing', 'page'],
        ['quorum', 'page'],
        ['missing/4', 'warn'],
        ['missing/5', 'warn'],
      ],
    )
    assert.match(raised[2]?.todo ?? '', /3 of 5 are heard and 4 decide/)
  })

  it('pages at once when one more loss stops signing, and when it has stopped', () => {
    const one = raisedBy({ members: silent({ 4: MINUTE, 5: MINUTE }) })
    assert.match(one[0]?.message ?? '', /one more loss stops signing/)
    const two = raisedBy({ members: silent({ 3: MINUTE, 4: MINUTE, 5: MINUTE }) })
    assert.match(two[0]?.message ?? '', /nothing is signed/)
  })

  it('misses nobody in the first minute after a start, or while it does not know whether it is current', () => {
    const members = silent({ 3: 50_000, 4: 50_000, 5: 50_000 })
    assert.deepEqual(idsOf({ members }, [], TIME + MINUTE - 1), [])
    assert.deepEqual(idsOf({ members, standing: 'asking' }), [])
  })

  const attempt = {
    e: 1,
    k: 1,
    proposalHash: 'ab'.repeat(32),
    step: 'decide',
    initiator: 1,
    deadline: NOW,
    round: 3,
    missing: [],
  }
  it('tells of a node that is in doubt for a minute', () => {
    const inDoubt = (since: number) => idsOf({ attempt: { ...attempt, inDoubtSince: since } })
    assert.deepEqual(inDoubt(NOW - MINUTE), ['in-doubt/1/1'])
    assert.deepEqual(inDoubt(NOW - MINUTE + 1), [])
  })

  it('tells of an epoch that was aborted twice, and whom both attempts waited for', () => {
    const abort = (k: number, blamed: number[], e = 1) => ({ at: TIME, e, k, blamed })
    assert.deepEqual(idsOf({ aborts: [abort(1, [4])] }), [])
    assert.deepEqual(idsOf({ aborts: [abort(1, [4], 0), abort(1, [4])] }), [])
    const [alert] = raisedBy({ aborts: [abort(1, [4]), abort(2, [4, 5])] })
    assert.equal(alert?.id, 'aborted/1')
    assert.match(alert?.message ?? '', /2 times, twice or more for member 4$/)
    assert.match(alert?.todo ?? '', /holdfast epoch propose remove 4/)
  })

  it('tells of a stamp that is old or gone', () => {
    assert.deepEqual(idsOf({ stampUntil: NOW + HOUR }), [])
    assert.deepEqual(idsOf({ stampUntil: NOW + HOUR - 1 }), ['stamp'])
    assert.match(raisedBy({ stampUntil: null })[0]?.message ?? '', /no valid stamp/)
  })

  it('tells of receipts that are missing after a day', () => {
    const receipts = [{ e: -1, have: [1, 2], missing: [3, 4, 5] }]
    const day = (ms: number) =>
      idsOf({ receipts, stampUntil: TIME + 30 * HOUR }, [], TIME + ms).filter((id) =>
        id.startsWith('receipts'),
      )
    assert.deepEqual(day(24 * HOUR), [])
    assert.deepEqual(day(24 * HOUR + 1), ['receipts/-1'])
  })

  it('tells of a refresh that is overdue for two periods', () => {
    const later = TIME + 2 * 604_800_000
    assert.deepEqual(idsOf({}, [], later), [])
    const [alert] = raisedBy({ members: silent({ 4: 20_000 }) }, [], later + 1)
    assert.equal(alert?.id, 'refresh/0')
    assert.match(alert?.message ?? '', /336 hours old.*silent: member 4/)
  })

  it('tells what the guest found out, once', () => {
    const evidence = { about: 'evidence', of: 3, what: 'two-starts' } as const
    const raised = raisedBy({ quarantine: { e: 1, k: 1 } }, [
      evidence,
      evidence,
      { about: 'clone', of: 2 },
      { about: 'fork', e: 1 },
      { about: 'shareless', e: 1 },
      { about: 'active', e: 1, k: 1 },
    ])
    assert.deepEqual(
      raised.map(({ id, severity }) => `${id} ${severity}`),
      [
        'evidence/3/two-starts page',
        'clone/2 page',
        'fork/1 page',
        'shareless/1 page',
        'rollback page',
      ],
    )
    assert.equal(raised[0]?.todo, 'holdfast epoch propose remove 3 --fault')
  })
})

describe('AlertBook', () => {
  it('says once that an alert begins, remembers since when, and forgets it when it is over', () => {
    const begun: Alert[] = []
    const book = new AlertBook((alert) => begun.push(alert))
    const warn = { id: 'stamp', severity: 'warn', message: 'old', todo: 'wait' } as const
    const page = { ...warn, id: 'quorum', severity: 'page' } as const
    assert.deepEqual(
      book.note([warn], 5).map(({ since }) => since),
      [5],
    )
    assert.deepEqual(
      book.note([warn, page], 9).map(({ id, since }) => [id, since]),
      [
        ['quorum', 9],
        ['stamp', 5],
      ],
    )
    book.note([], 10)
    assert.equal(book.note([warn], 20)[0]?.since, 20)
    assert.deepEqual(
      begun.map(({ id }) => id),
      ['stamp', 'quorum', 'stamp'],
    )
  })
})
