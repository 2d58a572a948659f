import type { EpochDiff, EpochNumbers } from './epoch-diff.ts'
import type { Paint } from './output.ts'

/** A diff as lines for people: who comes and goes, the numbers before and after, what may fail (03 §12). */
export function showDiff(diff: EpochDiff, paint: Paint): string[] {
  const lines = [
    `${paint.bold(`epoch ${diff.e}`)}, made of ${diff.from.n} members:`,
    ...diff.added.map(
      ({ index, label, guestSig }) =>
        `  ${paint.green('+')} member ${index}  ${label}  guest ${guestSig.slice(0, 16)}`,
    ),
    ...diff.removed.map(
      ({ index, label, what }) => `  ${paint.red('-')} member ${index}  ${label}  ${what}`,
    ),
    ...diff.updated.map(
      ({ index, label, what }) => `  ${paint.cyan('~')} member ${index}  ${label}  ${what}`,
    ),
    ...diff.allowAdd.map((bundle) => `  ${paint.green('+')} bundle ${bundle} may run`),
    ...diff.allowDrop.map((bundle) => `  ${paint.red('-')} bundle ${bundle} may run no more`),
    ...diff.unban.map(
      ([a, b]) => `  ${paint.cyan('~')} members ${a} and ${b} may sign together again`,
    ),
    ...diff.params.map(({ name, from, to }) => `  ${paint.cyan('~')} ${name}: ${from} → ${to}`),
  ]
  if (lines.length === 1)
    lines.push('  nobody comes or goes: every share and every pair setup is made anew')
  lines.push(
    '',
    ...numberLines(diff.from, diff.to),
    '',
    ...diff.consequences.map((line) => `  ${paint.dim('·')} ${line}`),
  )
  if (diff.broken !== null) lines.push(`  ${paint.red('not allowed:')} ${diff.broken}`)
  return lines
}

const COLUMNS: readonly (readonly [keyof EpochNumbers, string])[] = [
  ['n', 'members'],
  ['t', 't'],
  ['q', 'q'],
  ['L', 'L'],
  ['downSigning', 'down, signs'],
  ['downDeciding', 'down, decides'],
  ['upForKey', 'up for a key'],
]

function numberLines(from: EpochNumbers, to: EpochNumbers): string[] {
  const row = (name: string, cells: readonly string[]): string =>
    `  ${[name.padEnd(7), ...cells.map((cell, at) => cell.padEnd(COLUMNS[at]?.[1].length ?? 0))].join('  ')}`.trimEnd()
  return [
    row(
      '',
      COLUMNS.map(([, title]) => title),
    ),
    row(
      'now',
      COLUMNS.map(([key]) => String(from[key])),
    ),
    row(
      'then',
      COLUMNS.map(([key]) => String(to[key])),
    ),
  ]
}
