/** Writes the documents that follow from code; with --check, fails when one of them is not what the code says. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { ERRORS } from '../protocols/request/errors.ts'
import { consequence, type Fault, type FaultKind } from '../protocols/session/faults.ts'
import { committeeMetrics } from '../src/node/committee-metrics.ts'
import { guestMetrics } from '../src/node/guest-metrics.ts'
import { createMetrics } from '../src/node/metrics.ts'
import { requestMetrics } from '../src/node/request-metrics.ts'

const FAULTS: Readonly<Record<FaultKind, string>> = {
  timeout: 'no message by the deadline, or the peer could not be reached',
  cancelled: 'another party ended the session, or the caller did',
  refused: 'the guest refuses the request: a policy, a credential, a limit',
  malformed: 'bytes that are not the one encoding of the message',
  commitment: 'an opening that does not fit its promise',
  proof: 'a proof of knowledge or a signature over the transcript does not verify',
  share: 'a share that does not fit its commitment',
  equivocation: 'two different messages of one round from one party',
  binding: 'the message belongs to another view of the session; the culprit is open',
  generation: 'the peer uses another pair setup',
  'setup-missing': 'there is no pair setup with the peer yet',
  'corr-unknown': 'a correlation that one side does not hold',
  'presig-unknown': 'a presignature that one side does not hold',
  banned: 'the pair is banned',
  pprf: 'the consistency check of the all-but-one PRF; the third time the pair is suspended for an hour',
  cote: 'the consistency check of the oblivious-transfer extension',
  mu: 'the consistency check of the multiplication',
  check1: 'the nonce in the multiplication is not the one committed to',
  check2: 'the key share in the multiplication is not the one announced',
  sum: 'the announced key shares do not add up to the key; nobody is named',
  signature: 'the signature does not verify; nobody is named',
  'own-share': 'own state contradicts itself',
  kernel: 'a handle was misused, or the vault does not authenticate',
}

const FOLLOWS = {
  retry: 'plain abort; the next attempt takes another subset and fresh material',
  strike: 'plain abort; five in an hour and leaders avoid the party',
  final: 'the request ends at that node',
  ban: '**the pair is banned for all keys, durably**; the peer is told only that the session ended',
  halt: 'the key or the guest stops; nothing is erased',
} as const

const faults = `# Faults

Generated from \`protocols/session/faults.ts\`. What a session can end with, and what follows (02 §12).

| kind | what happened | consequence |
|---|---|---|
${Object.entries(FAULTS)
  .map(([kind, what]) => `| ${kind} | ${what} | ${FOLLOWS[consequence({ kind } as Fault)]} |`)
  .join('\n')}
`

const errors = `# Errors

Generated from \`protocols/request/errors.ts\`. What a caller may be told (05 §3.3, §4.3). Ids are stable, messages are not.

| id | code | try again |
|---|---|---|
${Object.entries(ERRORS)
  .map(([id, { code, retryable }]) => `| ${id} | ${code} | ${retryable ? 'yes' : 'no'} |`)
  .join('\n')}
`

const { registry } = createMetrics()
requestMetrics(registry)
const noGuest = () => Promise.reject(new Error('there is no guest here'))
guestMetrics(registry, noGuest)
committeeMetrics(registry, noGuest, () => 0)

const metrics = `# Metrics

Generated from \`src/node/metrics.ts\`, \`src/node/committee-metrics.ts\` and \`src/node/request-metrics.ts\`. Served in the format of Prometheus at \`[metrics]\` of node.toml. Labels name members only, never other peers.

| name | kind | labels | what |
|---|---|---|---|
${(await registry.getMetricsAsJSON())
  .map(({ name, help, type }) => `| ${name} | ${type} | ${labelsOf(name)} | ${help} |`)
  .join('\n')}
`

const pages: Readonly<Record<string, string>> = {
  'docs/faults.md': faults,
  'docs/errors.md': errors,
  'docs/metrics.md': metrics,
}
const check = process.argv.includes('--check')
for (const [path, text] of Object.entries(pages)) {
  if (!check) writeFileSync(path, text)
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    process.stderr.write(`${path} is not what the code says: run npm run docs\n`)
    process.exitCode = 1
  }
}

/** Label names are private to the library; they stand in the registry's own object. */
function labelsOf(name: string): string {
  const metric: unknown = registry.getSingleMetric(name)
  const labels = (metric as { labelNames?: readonly string[] }).labelNames ?? []
  return labels.join(', ') || '–'
}
