import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const START_MS = 30_000

/** What `holdfast start` said and how it ended. A node that starts although it should not is ended, and a failure. */
export async function runStart(dir: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [CLI, 'start', '--dir', dir], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {},
    timeout: START_MS,
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
    })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said }
}
