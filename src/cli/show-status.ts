import type { OperatorStatus } from '../node/operator/messages.ts'
import type { Advice } from './epoch-advice.ts'
import type { Paint } from './output.ts'

const MINUTE_MS = 60_000

/** The state of a committee as lines: a row for each member, a column for each open proposal (03 §12). */
export function showStatus(
  status: OperatorStatus,
  advice: readonly Advice[],
  paint: Paint,
  now: number,
): string[] {
  const { epoch, members, t, q, me, standing, attempt, stampUntil } = status
  const name = epoch === null ? 'before the first epoch' : `epoch ${epoch.e} (attempt ${epoch.k})`
  return [
    `${paint.bold(name)}  ${members.length} members, t ${t}, q ${q}; this node: ${me === null ? 'no member' : `member ${me}`}, ${standing}`,
    ...(attempt === null
      ? []
      : [
          `epoch ${attempt.e}, attempt ${attempt.k}: ${paint.bold(attempt.step)}, started by member ${attempt.initiator}, until ${timeOf(attempt.deadline)}${attempt.round > 0 ? `, round ${attempt.round}` : ''}`,
        ]),
    '',
    ...memberTable(status, paint),
    ...status.proposals.map(({ hash, kind, proposer, expiresAt }) => {
      const what = kind === 2 ? 'refresh' : 'change'
      return `  proposal ${paint.bold(hash.slice(0, 8))}  ${what} by member ${proposer}, until ${timeOf(expiresAt)}  ${paint.dim(hash)}`
    }),
    ...status.receipts
      .filter(({ missing }) => missing.length > 0)
      .map(
        ({ e, have, missing }) =>
          `  epoch ${e}: ${have.length} of ${have.length + missing.length} have erased their shares; missing: ${missing.join(', ')}`,
      ),
    ...(stampUntil === null
      ? []
      : [
          stampUntil > now
            ? `  stamp valid for ${Math.round((stampUntil - now) / MINUTE_MS)} minutes`
            : `  ${paint.red('stamp expired')}: clients do not believe this committee`,
        ]),
    ...status.alerts.flatMap(({ severity, message, todo }) => [
      `  ${paint.red(severity === 'page' ? 'ALERT' : 'alert')} ${message}`,
      `        ${todo}`,
    ]),
    ...(advice.length === 0
      ? ['', paint.green('nothing is open')]
      : [
          '',
          ...advice.flatMap(({ reason, todo }) => [
            reason,
            `  ${paint.dim('what to do:')} ${todo}`,
          ]),
        ]),
  ]
}

function memberTable(status: OperatorStatus, paint: Paint): string[] {
  const { members, proposals, attempt, me } = status
  const columns = proposals.map(({ hash }) => hash.slice(0, 8))
  const ready = attempt === null ? [] : ['READY']
  const head = ['', 'member', 'heard', 'signs', ...columns, ...ready]
  const rows = members.map(({ index, label, silentMs, contributing }) => [
    String(index),
    `${label}${index === me ? ' (this)' : ''}`,
    heard(silentMs),
    contributing ? 'yes' : '-',
    ...proposals.map(({ yes, no }) =>
      yes.includes(index) ? 'yes' : no.includes(index) ? 'no' : '-',
    ),
    ...(attempt === null ? [] : [attempt.missing.includes(index) ? '-' : 'yes']),
  ])
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd()
  return [paint.dim(line(head)), ...rows.map(line)]
}

function heard(silentMs: number | null): string {
  if (silentMs === null) return 'not yet'
  if (silentMs === 0) return 'now'
  return silentMs < MINUTE_MS
    ? `${Math.round(silentMs / 1000)} s ago`
    : `${Math.round(silentMs / MINUTE_MS)} min ago`
}

const timeOf = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
