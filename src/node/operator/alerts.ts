import type { CommitteeNotice } from '../../../enclave-runtime/host/guest.ts'
import { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import { quorums } from '../../../protocols/agreement/quorums.ts'
import type { Alert, OperatorStatus } from './messages.ts'
import { named, removalOf, silentOf } from './missing.ts'

/** Everything that alerts follow from, as one node sees it. */
export interface Observed {
  readonly status: Omit<OperatorStatus, 'alerts'>
  /** What the guest told since it started, oldest first. */
  readonly notices: readonly { readonly at: number; readonly notice: CommitteeNotice }[]
  /** Since when this node runs, unix ms: nobody is missed before that. */
  readonly startedAt: number
}

export interface AlertSettings {
  readonly missingMinutes: number
}

type Raised = Omit<Alert, 'since'> & { readonly since?: number }

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const IN_DOUBT_MS = MINUTE_MS // 03 §12
const RECEIPTS_MS = 24 * HOUR_MS // 03 §4.1 S12
const OVERDUE_PERIODS = 2 // 03 §7
const SETTLE_MS = MINUTE_MS // after a start, links and the first stamp take some seconds
const ABORTS = 2 // of one epoch (03 §12)

/** What wants an operator now (03 §7, §12); `since` only where the cause itself has a time. */
export function alertsOf(
  { status, notices, startedAt }: Observed,
  { missingMinutes }: AlertSettings,
  now: number,
): readonly Raised[] {
  const record =
    status.record === null
      ? null
      : EpochRecord.decode(new Uint8Array(Buffer.from(status.record, 'hex')))
  return [
    ...noticed(notices),
    ...(status.standing === 'member' && now - startedAt >= SETTLE_MS
      ? attendance(status, missingMinutes)
      : []),
    ...undecided(status, now),
    ...(record === null ? [] : overdue(status, record, now, startedAt)),
    ...aborted(status),
    ...(status.quarantine === null
      ? []
      : [
          {
            id: 'rollback',
            severity: 'page' as const,
            message: `this node's store was rolled back: it has no vote until an epoch follows for which it was ready (after epoch ${status.quarantine.e}, attempt ${status.quarantine.k})`,
            todo: 'once all members are up, at another member: holdfast refresh --dir DIR',
          },
        ]),
  ]
}

/** What the guest found out, each thing once. */
function noticed(notices: Observed['notices']): Raised[] {
  const raised = new Map<string, Raised>()
  for (const { at, notice } of notices) {
    const alert = ofNotice(notice)
    if (alert !== undefined && !raised.has(alert.id)) raised.set(alert.id, { ...alert, since: at })
  }
  return [...raised.values()]
}

function ofNotice(notice: CommitteeNotice): Raised | undefined {
  switch (notice.about) {
    case 'fork':
      return {
        id: `fork/${notice.e}`,
        severity: 'page',
        message: `proof of two epochs ${notice.e}: members broke the protocol, and this node has stopped`,
        todo: 'call the other operators; nothing goes on by itself',
      }
    case 'evidence':
      return {
        id: `evidence/${notice.of}/${notice.what}`,
        severity: 'page',
        message: `member ${notice.of} signed two ${notice.what === 'two-starts' ? 'STARTs of one attempt' : 'votes of one round'}: proof that it broke the protocol`,
        todo: `holdfast epoch propose remove ${notice.of} --fault`,
      }
    case 'clone':
      return {
        id: `clone/${notice.of}`,
        severity: 'page',
        message: `member ${notice.of} runs twice with one identity: both are refused`,
        todo: 'its operator stops both and starts one of them afresh',
      }
    case 'shareless':
      return {
        id: `shareless/${notice.e}`,
        severity: 'page',
        message: `this node has not the shares of epoch ${notice.e}`,
        todo: 'let it have new ones: holdfast refresh, at a member that has its shares',
      }
    default:
      return undefined
  }
}

function attendance(status: Observed['status'], missingMinutes: number): Raised[] {
  const { members, q, t } = status
  const n = members.length
  const silent = silentOf(status)
  const heard = n - silent.length
  const least = Math.max(t, quorums(n, t).L)
  const missing = silentOf(status, missingMinutes * MINUTE_MS)
  const raised: Raised[] = missing.map((index) => ({
    id: `missing/${index}`,
    severity: 'warn',
    message: `member ${index} is missing for more than ${missingMinutes} minutes: no refresh is possible while it is silent`,
    todo: removalOf(status, missing),
  }))
  if (heard < q)
    raised.unshift({
      id: 'quorum',
      severity: 'page',
      message: `${heard} of ${n} members are heard and ${q} decide: no epoch, and no change of accounts; missing: ${named(silent)}`,
      todo: `bring back ${named(silent)}`,
    })
  if (heard <= least && silent.length > 0)
    raised.unshift({
      id: 'signing',
      severity: 'page',
      message:
        heard < least
          ? `${heard} of ${n} members are heard and ${least} sign: nothing is signed; missing: ${named(silent)}`
          : `${heard} of ${n} members are heard and ${least} sign: one more loss stops signing; missing: ${named(silent)}`,
      todo: `bring back ${named(silent)}`,
    })
  return raised
}

function undecided({ attempt, q }: Observed['status'], now: number): Raised[] {
  if (attempt === null || attempt.inDoubtSince === null) return []
  if (now - attempt.inDoubtSince < IN_DOUBT_MS) return []
  return [
    {
      id: `in-doubt/${attempt.e}/${attempt.k}`,
      severity: 'warn',
      message: `epoch ${attempt.e}, attempt ${attempt.k}: READY is signed and no decision is known`,
      todo: `it is decided when ${q} members of epoch ${attempt.e - 1} are up`,
      since: attempt.inDoubtSince,
    },
  ]
}

function overdue(
  status: Observed['status'],
  record: EpochRecord,
  now: number,
  startedAt: number,
): Raised[] {
  const { params, createdAt } = record
  const age = now - createdAt
  const raised: Raised[] = []
  const isSettled = now - Math.max(startedAt, createdAt) >= SETTLE_MS
  if (isSettled && (status.stampUntil ?? 0) - now < params.stampS * 1000)
    raised.push({
      id: 'stamp',
      severity: 'warn',
      message:
        status.stampUntil !== null && status.stampUntil > now
          ? 'the stamp of the committee is older than half of its time'
          : 'the committee has no valid stamp: new clients do not believe it',
      todo: `a stamp needs ${status.t} members that are ready: see "holdfast epoch status"`,
    })
  if (age > OVERDUE_PERIODS * params.refreshS * 1000) {
    const silent = silentOf(status)
    raised.push({
      id: `refresh/${record.e}`,
      severity: 'warn',
      message: `shares are ${Math.floor(age / HOUR_MS)} hours old, and a refresh was due after ${Math.floor(params.refreshS / 3600)}${silent.length > 0 ? `; silent: ${named(silent)}` : ''}`,
      todo: silent.length > 0 ? removalOf(status, silent) : 'holdfast refresh --dir DIR',
    })
  }
  if (age > RECEIPTS_MS)
    for (const { e, have, missing } of status.receipts) {
      const needed = have.length + missing.length - status.t + 1
      if (e < record.e && have.length < needed)
        raised.push({
          id: `receipts/${e}`,
          severity: 'warn',
          message: `only ${have.length} of ${have.length + missing.length} have erased their shares of epoch ${e}: its secrets rest on disks that still have them; missing: ${named(missing)}`,
          todo: `start ${named(missing)}, or destroy their disks and key files`,
        })
    }
  return raised
}

function aborted({ aborts, epoch }: Observed['status']): Raised[] {
  const present = aborts.filter(({ e }) => e === (epoch?.e ?? -1) + 1)
  if (present.length < ABORTS) return []
  const counts = new Map<number, number>()
  for (const { blamed } of present)
    for (const index of new Set(blamed)) counts.set(index, (counts.get(index) ?? 0) + 1)
  const twice = [...counts].filter(([, count]) => count >= ABORTS).map(([index]) => index)
  const [first] = present
  return [
    {
      id: `aborted/${first?.e ?? 0}`,
      severity: 'warn',
      message: `epoch ${first?.e ?? 0} was aborted ${present.length} times${twice.length > 0 ? `, twice or more for ${named(twice)}` : ''}`,
      todo:
        twice.length > 0
          ? `look at the log of ${named(twice)}; when it does not come right: holdfast epoch propose remove ${twice[0]}`
          : 'see "holdfast epoch history" for whom each attempt waited',
      since: first?.at ?? 0,
    },
  ]
}

/** Remembers since when each alert lasts, and tells each when it begins. */
export class AlertBook {
  readonly #since = new Map<string, number>()
  readonly #begins: (alert: Alert) => void

  constructor(begins: (alert: Alert) => void) {
    this.#begins = begins
  }

  /** The alerts that are open now, those that page first. */
  note(raised: readonly Raised[], now: number): readonly Alert[] {
    const ids = new Set(raised.map(({ id }) => id))
    for (const id of this.#since.keys()) if (!ids.has(id)) this.#since.delete(id)
    const alerts = raised.map((one): Alert => {
      const known = this.#since.get(one.id)
      const alert = { ...one, since: known ?? one.since ?? now }
      if (known === undefined) {
        this.#since.set(one.id, alert.since)
        this.#begins(alert)
      }
      return alert
    })
    return alerts.toSorted((a, b) => Number(b.severity === 'page') - Number(a.severity === 'page'))
  }
}
