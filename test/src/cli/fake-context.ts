import type { Actions } from '../../../src/cli/actions.ts'
import type { Context } from '../../../src/cli/context.ts'
import { run } from '../../../src/cli/run.ts'

/** Actions of which a test gives those that it expects; any other call is a failure of the test. */
export type SomeActions = Partial<Omit<Actions, 'testnet'>> & {
  readonly testnet?: Partial<Actions['testnet']>
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The one JSON line on stdout. */
  json(): Record<string, unknown>
}

const unexpected = (name: string) => async (): Promise<never> => {
  throw new Error(`the command called ${name}`)
}

/** Runs one command line with these actions, a home and an environment of its own. */
export async function runWith(
  args: readonly string[],
  actions: SomeActions,
  around: Partial<Pick<Context, 'home' | 'env' | 'signal' | 'stdin' | 'ask' | 'now'>> = {},
): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  const code = await run(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    stdin: async () => '',
    ask: unexpected('ask'),
    now: () => 0,
    env: {},
    home: '/nowhere',
    signal: new AbortController().signal,
    ...around,
    actions: {
      initialiseNode: unexpected('initialiseNode'),
      joinNetwork: unexpected('joinNetwork'),
      startNode: unexpected('startNode'),
      ownNode: unexpected('ownNode'),
      status: unexpected('status'),
      createAccount: unexpected('createAccount'),
      sign: unexpected('sign'),
      demo: unexpected('demo'),
      ...actions,
      testnet: {
        create: unexpected('testnet.create'),
        start: unexpected('testnet.start'),
        ready: unexpected('testnet.ready'),
        report: unexpected('testnet.report'),
        stop: unexpected('testnet.stop'),
        kill: unexpected('testnet.kill'),
        signal: unexpected('testnet.signal'),
        partition: unexpected('testnet.partition'),
        heal: unexpected('testnet.heal'),
        addNode: unexpected('testnet.addNode'),
        removeNode: unexpected('testnet.removeNode'),
        upgrade: unexpected('testnet.upgrade'),
        ...actions.testnet,
      },
    },
  })
  return { code, stdout, stderr, json: () => JSON.parse(stdout) }
}
