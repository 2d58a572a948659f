import type { Command } from 'commander'
import { EpochChain } from '../../../protocols/agreement/chain/epoch-chain.ts'
import { EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import { type EpochRecord, recordHash } from '../../../protocols/agreement/objects/record.ts'
import { decoded, fromHex, readGenesis, toHex } from '../../node/operator/base-of.ts'
import type { OwnNode } from '../actions.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { jsonOption, nodeOption } from '../options.ts'

interface HistoryOptions extends CommonOptions {
  readonly dir: string
  readonly verify?: boolean
}

const KINDS = ['genesis', 'change', 'refresh', 'recovery'] as const

/** `holdfast epoch history`: every epoch that was decided, and with `--verify` that each follows from the one before. */
export function addHistory(epoch: Command, context: Context): void {
  epoch
    .command('history')
    .description('every epoch that was decided')
    .addOption(nodeOption())
    .option('--verify', 'check every record, READY list and decision from the genesis file on')
    .addOption(jsonOption())
    .action(async (options: HistoryOptions) => {
      const out = outputOf(context, options)
      const own = await context.actions.ownNode(options.dir, context.env, context.signal)
      try {
        const certs = await certificates(own, context.signal)
        if (options.verify === true) verify(await readGenesis(own.genesisFile), certs)
        const { aborts } = await own.node.ask('status', {}, context.signal)
        const verified = options.verify === true
        out.result({ verified, epochs: certs.map(({ record }) => rowOf(record)), aborts }, [
          ...certs.map(({ record }, at) => lineOf(record, certs[at - 1]?.record)),
          ...aborts.map(
            ({ e, k, blamed }) =>
              `  epoch ${e}, attempt ${k} came to nothing${blamed.length > 0 ? `; named: ${blamed.join(', ')}` : ''}`,
          ),
          verified
            ? `${out.paint.green('verified')}: ${certs.length} epochs, each by READY of all its members and the decision of a quorum before it`
            : 'not verified: --verify checks the whole chain from the genesis file',
        ])
      } finally {
        own.node.close()
      }
    })
}

async function certificates({ node }: OwnNode, signal: AbortSignal): Promise<EpochCert[]> {
  const certs: EpochCert[] = []
  for (let from: number | null = 0; from !== null; ) {
    const page: { certs: readonly string[]; next: number | null } = await node.ask(
      'history',
      { from },
      signal,
    )
    certs.push(...page.certs.map((cert) => decoded(() => EpochCert.decode(fromHex(cert)))))
    if (page.next !== null && page.next <= from)
      throw new CommandError(EXIT.failed, 'the node shows its history in circles')
    from = page.next
  }
  return certs
}

/** n' + q Ed25519 verifications an epoch (03 §3.3). @throws CommandError at the first that does not follow. */
function verify(genesis: Uint8Array, certs: readonly EpochCert[]): void {
  const chain = new EpochChain(genesis)
  for (const cert of certs) {
    const outcome = chain.add(cert)
    if (outcome.added === 'next') continue
    const why =
      outcome.added === 'refused'
        ? `${outcome.broken.rule}: ${outcome.broken.reason}`
        : outcome.added
    throw new CommandError(EXIT.refused, `epoch ${cert.record.e} does not follow: ${why}`, {
      hint: 'do not trust this node; compare "epoch history --verify" of others',
    })
  }
}

const rowOf = (record: EpochRecord): object => ({
  e: record.e,
  k: record.k,
  kind: KINDS[record.kind],
  recordHash: toHex(recordHash(record)),
  t: record.t,
  members: record.members.map(({ index, label }) => ({ index, label })),
  keys: record.keyCount,
  createdAt: record.createdAt,
})

function lineOf(record: EpochRecord, before: EpochRecord | undefined): string {
  const { e, k, kind, t, members, keyCount, createdAt } = record
  const was = new Set(before?.members.map(({ index }) => index))
  const is = new Set(members.map(({ index }) => index))
  const came = before === undefined ? [] : [...is].filter((index) => !was.has(index))
  const went = [...was].filter((index) => !is.has(index))
  return [
    `  ${e}.${k}`,
    new Date(createdAt).toISOString().replace(/\.\d+Z$/, 'Z'),
    (KINDS[kind] ?? '').padEnd(7),
    `${t} of ${members.length}`,
    `${keyCount} keys`,
    [...came.map((index) => `+${index}`), ...went.map((index) => `-${index}`)].join(' '),
    toHex(recordHash(record)).slice(0, 16),
  ]
    .filter((cell) => cell !== '')
    .join('  ')
}
