import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { z } from 'zod'

/** What a running node says about itself in `host/running.json`: for tools on the same machine, no secret. */
export interface RunningFile {
  readonly pid: number
  readonly peerId: string
  /** Party index at the start; 0 for a node that is no member. */
  readonly index: number
  readonly networkId: string
  /** Base URL of the gateway. */
  readonly rpc: string
  /** With the peer id at the end, so that another node can use one as bootstrap. */
  readonly multiaddrs: readonly string[]
}

const File: z.ZodType<RunningFile> = z.strictObject({
  pid: z.int().positive(),
  peerId: z.string().min(1),
  index: z.int().min(0),
  networkId: z.string().regex(/^[0-9a-f]{64}$/),
  rpc: z.url(),
  multiaddrs: z.array(z.string()),
})

/** Replaces the file in one step: a reader sees the whole of it or none. */
export async function writeRunning(path: string, running: RunningFile): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(running)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** What the node of this file said at its last start; undefined where it does not run or wrote no such file. */
export async function readRunning(path: string): Promise<RunningFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const parsed = File.safeParse(JSON.parse(text))
  return parsed.success ? parsed.data : undefined
}

export const removeRunning = (path: string): Promise<void> => rm(path, { force: true })
