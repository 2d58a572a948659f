import { readFile, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import type { ProcessRef } from './process.ts'

/** One node of a local network, as its directory remembers it. Nodes are numbered as the genesis does. */
export interface TestnetNode {
  readonly node: number
  readonly dir: string
  readonly peerId: string
  readonly host: ProcessRef | null
  readonly guest: ProcessRef | null
  readonly rpc: string | null
}

/** A local network: the content of `<dir>/testnet.json`. */
export interface Testnet {
  readonly version: 1
  readonly networkId: string
  readonly threshold: number
  readonly nodes: readonly TestnetNode[]
}

/** There is no local network in a directory, or its state file is not one. */
export class TestnetStateError extends Error {
  override readonly name = 'TestnetStateError'
}

const Process: z.ZodType<ProcessRef> = z.strictObject({
  pid: z.int().positive(),
  started: z.string().nullable(),
})
const Node: z.ZodType<TestnetNode> = z.strictObject({
  node: z.int().min(1).max(65_535),
  dir: z.string().min(1),
  peerId: z.string().min(1),
  host: Process.nullable(),
  guest: Process.nullable(),
  rpc: z.string().nullable(),
})
const State: z.ZodType<Testnet> = z.strictObject({
  version: z.literal(1),
  networkId: z.string().regex(/^[0-9a-f]{64}$/),
  threshold: z.int().positive(),
  nodes: z.array(Node).min(1).max(16), // maxMembers of the genesis (03 §1.2)
})

const FILE = 'testnet.json'

/** Where the state of the network in `dir` lies. */
export const stateFile = (dir: string): string => join(resolve(dir), FILE)

/** Reads the state of the local network in `dir`. @throws TestnetStateError that says what to do. */
export async function readState(dir: string): Promise<Testnet> {
  const state = await findState(dir)
  if (state === undefined)
    throw new TestnetStateError(
      `there is no local network in ${resolve(dir)}: start one with "holdfast testnet up --dir ${resolve(dir)}"`,
    )
  return state
}

/** As `readState`, undefined where there is none. */
export async function findState(dir: string): Promise<Testnet | undefined> {
  let text: string
  try {
    text = await readFile(stateFile(dir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return parseState(text, stateFile(dir))
}

/** Parses a state file. @throws TestnetStateError */
export function parseState(text: string, file: string): Testnet {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new TestnetStateError(`${file} is not JSON: ${repair(file)}`, { cause })
  }
  const parsed = State.safeParse(value)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map((issue) => issue.path.join('.') || '(top)').join(', ')
  throw new TestnetStateError(`${file} is not a state file (at ${where}): ${repair(file)}`)
}

/** Replaces the state file in one step, so that a crash leaves the old or the new one. */
export async function writeState(dir: string, state: Testnet): Promise<void> {
  const file = stateFile(dir)
  await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

const repair = (file: string): string =>
  `move it away, end the nodes it named, and start the network again (${file})`
