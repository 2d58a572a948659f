import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { findState, readState, type Testnet } from '../../testnet/state.ts'
import { CommandError } from '../command-error.ts'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { asCount, asNumbers, asPort, jsonOption } from '../options.ts'

interface DirOptions extends CommonOptions {
  readonly dir?: string
}
interface UpCommandOptions extends DirOptions {
  readonly nodes?: number
  readonly threshold?: number
  readonly rpcPort: number
}
interface DownOptions extends DirOptions {
  readonly remove?: boolean
}

const DEFAULT_NODES = 5 // tolerates two losses and one liar (03 §2)
const DEFAULT_THRESHOLD = 3
const READY_TIMEOUT_MS = 120_000 // pair setups of many nodes on two busy cores; the reference kernel needs most of it

/** `holdfast testnet …`: a whole network on this machine, one process per node. */
export function addTestnet(program: Command, context: Context): void {
  const testnet = program.command('testnet').description('a local network, one process per node')
  const dirOption = [
    '--dir <dir>',
    'directory of the network; default: ~/.holdfast/testnet',
  ] as const
  testnet
    .command('up')
    .description(
      'make the network if there is none, start what does not run, wait until it is ready',
    )
    .argument('[nodes...]', 'start only these', asNumbers)
    .option('--nodes <n>', `how many nodes a new network has (default: ${DEFAULT_NODES})`, asCount)
    .option('--threshold <t>', `how many sign together (default: ${DEFAULT_THRESHOLD})`, asCount)
    .option('--rpc-port <port>', 'port of node 1, the next for node 2, …; 0: free ports', asPort, 0)
    .option(...dirOption)
    .addOption(jsonOption())
    .action(async (only: readonly number[] | undefined, options: UpCommandOptions) => {
      await up(only ?? [], options, context)
    })
  testnet
    .command('status')
    .description('what each node does')
    .option(...dirOption)
    .addOption(jsonOption())
    .action(async (options: DirOptions) => {
      await show(await readState(dirOf(options, context)), options, context)
    })
  testnet
    .command('down')
    .description('stop every node; no process is left')
    .option('--remove', 'also delete the directory: its keys are gone for ever')
    .option(...dirOption)
    .addOption(jsonOption())
    .action(async (options: DownOptions) => {
      const dir = dirOf(options, context)
      const state = await context.actions.testnet.stop(dir)
      await show(state, options, context)
      if (options.remove === true) await rm(dir, { recursive: true })
    })
  addSignals(testnet, dirOption, context)
  addPartitions(testnet, dirOption, context)
  addMembers(testnet, dirOption, context)
}

function addSignals(
  testnet: Command,
  dirOption: readonly [string, string],
  context: Context,
): void {
  const { testnet: act } = context.actions
  const signals: Readonly<
    Record<string, [string, (dir: string, nodes: readonly number[]) => Promise<Testnet>]>
  > = {
    kill: [
      'end nodes at once (SIGKILL), as a loss of power would',
      (dir, nodes) => act.kill(dir, nodes),
    ],
    freeze: ['stop nodes in place (SIGSTOP)', (dir, nodes) => act.signal(dir, nodes, 'SIGSTOP')],
    thaw: ['let frozen nodes go on (SIGCONT)', (dir, nodes) => act.signal(dir, nodes, 'SIGCONT')],
  }
  for (const [name, [description, run]] of Object.entries(signals))
    testnet
      .command(name)
      .description(description)
      .argument('[nodes...]', 'numbers of the nodes', asNumbers)
      .option('--nodes <numbers>', 'the same, as a list with commas', asNumbers)
      .option(...dirOption)
      .addOption(jsonOption())
      .action(
        async (
          named: readonly number[] | undefined,
          options: DirOptions & { nodes?: readonly number[] },
        ) => {
          const nodes = [...new Set([...(named ?? []), ...(options.nodes ?? [])])]
          if (nodes.length === 0)
            throw new CommandError(
              EXIT.refused,
              `which nodes? as in "holdfast testnet ${name} 2 3"`,
            )
          const dir = dirOf(options, context)
          const { nodes: known } = await readState(dir)
          const strange = nodes.find((wanted) => !known.some(({ node }) => node === wanted))
          if (strange !== undefined)
            throw new CommandError(EXIT.refused, `there is no node ${strange}`, {
              hint: `this network has nodes 1 to ${known.length}`,
            })
          await show(await run(dir, nodes), options, context)
        },
      )
}

function addPartitions(
  testnet: Command,
  dirOption: readonly [string, string],
  context: Context,
): void {
  const { testnet: act } = context.actions
  testnet
    .command('partition')
    .description('cut the network into groups that hear nothing of each other')
    .argument('<groups...>', 'as in "1,2 3"; nodes that are not named are one more', asGroup)
    .option(...dirOption)
    .addOption(jsonOption())
    .action(async (groups: readonly (readonly number[])[], options: DirOptions) => {
      const dir = dirOf(options, context)
      const { nodes: known } = await readState(dir)
      const named = groups.flat()
      const strange = named.find((wanted) => !known.some(({ node }) => node === wanted))
      if (strange !== undefined) throw new CommandError(EXIT.refused, `there is no node ${strange}`)
      if (new Set(named).size !== named.length)
        throw new CommandError(EXIT.refused, 'a node is in two groups')
      await show(await act.partition(dir, groups, context.signal), options, context)
    })
  testnet
    .command('heal')
    .description('let all nodes hear each other again')
    .option(...dirOption)
    .addOption(jsonOption())
    .action(async (options: DirOptions) => {
      const dir = dirOf(options, context)
      await show(await act.heal(dir, context.signal), options, context)
    })
}

const CHANGE_TIMEOUT_MS = 300_000 // an attempt has 120 s and may be aborted once (03 §4.1)

function addMembers(
  testnet: Command,
  dirOption: readonly [string, string],
  context: Context,
): void {
  const { testnet: act } = context.actions
  const within = (): AbortSignal =>
    AbortSignal.any([context.signal, AbortSignal.timeout(CHANGE_TIMEOUT_MS)])
  testnet
    .command('add-node')
    .description('make one more node and let it join; all operators of this network accept it')
    .option(...dirOption)
    .addOption(jsonOption())
    .action(async (options: DirOptions) => {
      const state = await act.addNode(dirOf(options, context), {
        signal: within(),
        lifeline: false,
      })
      await show(state, options, context)
    })
  testnet
    .command('remove-node')
    .description('let a node leave, by its own wish where it runs, and end it')
    .argument('<node>', 'its number', asCount)
    .option(...dirOption)
    .addOption(jsonOption())
    .action(async (node: number, options: DirOptions) => {
      await show(await act.removeNode(dirOf(options, context), node, within()), options, context)
    })
  testnet
    .command('upgrade')
    .description(
      'start nodes again, one by one, and update the entry of each whose bundle is another',
    )
    .argument('[nodes...]', 'their numbers; default: all', asNumbers)
    .option(...dirOption)
    .addOption(jsonOption())
    .action(async (named: readonly number[] | undefined, options: DirOptions) => {
      const dir = dirOf(options, context)
      const all = (await readState(dir)).nodes.map(({ node }) => node)
      const nodes = named === undefined || named.length === 0 ? all : named
      const state = await act.upgrade(dir, nodes, { signal: within(), lifeline: false })
      await show(state, options, context)
    })
}

/** One group of a partition: node numbers with commas. */
const asGroup = (
  text: string,
  before: readonly (readonly number[])[] = [],
): readonly (readonly number[])[] => [...before, asNumbers(text)]

async function up(only: readonly number[], options: UpCommandOptions, context: Context) {
  const { testnet: act } = context.actions
  const dir = dirOf(options, context)
  const out = outputOf(context, options)
  const found = await findState(dir)
  const nodes = options.nodes ?? found?.nodes.length ?? DEFAULT_NODES
  const threshold = options.threshold ?? found?.threshold ?? majority(nodes)
  if (found !== undefined && (nodes !== found.nodes.length || threshold !== found.threshold))
    throw new CommandError(
      EXIT.refused,
      `the network in ${dir} has ${found.nodes.length} nodes and threshold ${found.threshold}`,
      { hint: 'leave --nodes and --threshold away, or choose another --dir' },
    )
  if (found === undefined) {
    out.note(`making ${nodes} nodes with threshold ${threshold} in ${dir}`)
    await act.create({ dir, nodes, threshold, rpcPort: options.rpcPort })
  }
  const state = await act.start(dir, {
    ...(only.length === 0 ? {} : { only }),
    lifeline: false,
    signal: context.signal,
    onListening: (node, { rpc, pid }) =>
      out.note(`node ${node} listens at ${rpc} (process ${pid})`),
  })
  out.note('waiting until the nodes have set up their pairs')
  try {
    await act.ready(state, { deadlineMs: READY_TIMEOUT_MS, signal: context.signal })
  } catch (cause) {
    throw new CommandError(EXIT.waiting, cause instanceof Error ? cause.message : String(cause), {
      hint: `the nodes go on; look again with "holdfast testnet status", at ${dir}/node-*/node.log, or end them with "holdfast testnet down"`,
      cause,
    })
  }
  await show(state, options, context)
}

async function show(state: Testnet, options: CommonOptions, context: Context): Promise<void> {
  const out = outputOf(context, options)
  const nodes = await context.actions.testnet.report(state)
  const { networkId, threshold } = state
  out.result({ nodes, networkId, threshold }, [
    `network ${networkId}, threshold ${threshold}`,
    ...nodes.map(({ node, state: seen, pid, rpc, peerId }) => {
      const word = seen === 'ready' ? out.paint.green(seen) : out.paint.red(seen)
      return `  ${node}  ${word}  ${pid === null ? '' : `process ${pid}  `}${rpc ?? ''}  ${out.paint.dim(peerId)}`
    }),
  ])
}

/** The least threshold of n nodes that is a majority; 3 of 5. */
const majority = (nodes: number): number =>
  nodes === DEFAULT_NODES ? DEFAULT_THRESHOLD : Math.floor(nodes / 2) + 1

const dirOf = (options: DirOptions, context: Context): string =>
  options.dir === undefined ? join(context.home, 'testnet') : resolve(options.dir)
