import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { spawnWithLifeline } from './spawn-with-lifeline.ts'

/** A local Ethereum chain, its address and the accounts it funded at its start. */
export interface LocalChain {
  readonly url: string
  /** Of the process that holds it; the chain is its child. */
  readonly pid: number
  stop(): Promise<void>
}

export const CHAIN_ID = 31_337 // anvil's own default: wallets know it as a local chain
const START_TIMEOUT_MS = 10_000 // it is up in 43 ms where measured (08 §4.6)
const STOP_TIMEOUT_MS = 3_000 // it is gone in 5 ms, and its holder kills it after 2 s; then that one is killed

/**
 * The executable of the local chain: the variable ANVIL, else the npm package; undefined where there is none,
 * or where ANVIL is `none`.
 */
export function findAnvil(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = env['ANVIL']
  if (named === 'none') return undefined
  if (named !== undefined && named !== '') return named
  try {
    return createRequire(import.meta.url).resolve('@foundry-rs/anvil-linux-amd64/bin/anvil')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/** Starts a chain on a free port of loopback (08 §4.6), which ends with this process. @throws Error when it does not come up. */
export async function startAnvil(executable: string, hardfork = 'prague'): Promise<LocalChain> {
  const child = spawnWithLifeline(executable, [
    ...['--host', '127.0.0.1', '--port', '0'],
    ...['--chain-id', String(CHAIN_ID), '--hardfork', hardfork],
  ])
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`it ended with ${String(code ?? signal)}`))
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(kill)
  }
  try {
    const url = await listening(child.stdout, exited)
    return { url, pid: child.pid ?? 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function listening(stdout: NodeJS.ReadableStream, exited: Promise<string>): Promise<string> {
  return await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the local chain did not start within ${START_TIMEOUT_MS} ms`)),
      START_TIMEOUT_MS,
    )
    // It keeps reading after the line it waits for: a full pipe would stop the chain.
    createInterface({ input: stdout }).on('line', (line) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      resolve(`http://127.0.0.1:${port}`)
    })
    void exited.then((reason) => {
      clearTimeout(timer)
      reject(new Error(`the local chain did not start: ${reason}`))
    })
  })
}
