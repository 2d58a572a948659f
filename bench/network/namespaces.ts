import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SHARED } from '../../test/support/shared.ts'
import type { Link } from './scenario.ts'

/** A hub with one emulated point-to-point link to each node's namespace. */
export interface Namespaces {
  /** What runs a program inside node `number`'s namespace. */
  within(number: number): readonly string[]
  /** Its address there. */
  addressOf(number: number): string
  /** The processes that carry the packets. */
  readonly pids: readonly number[]
  remove(): void
}

const UP_MS = 10_000 // a link is up in a tenth of a second

/** The tool that emulates a link, or why there is none here. */
export function linkTool(): { readonly path: string } | { readonly missing: string } {
  const path = join(SHARED, 'tools/tun-link.py')
  if (!existsSync(path)) return { missing: 'no link emulator (HOLDFAST_SHARED names its folder)' }
  if (process.platform !== 'linux' || !existsSync('/dev/net/tun'))
    return { missing: 'no TUN device on this machine' }
  if (process.getuid?.() !== 0) return { missing: 'network namespaces need root' }
  return { path }
}

/**
 * Makes the namespaces and links for nodes 1 to `nodes`; what fails is undone. Nothing outside of them is touched:
 * all their addresses live in them alone.
 */
export async function makeNamespaces(path: string, nodes: number, link: Link): Promise<Namespaces> {
  const prefix = `hfb${process.pid}`
  const hub = `${prefix}-hub`
  const names = Array.from({ length: nodes }, (_, i) => `${prefix}-n${i + 1}`)
  const links: ChildProcess[] = []
  const remove = (): void => {
    for (const each of links) each.kill('SIGTERM')
    for (const name of [...names, hub]) quietly('netns', 'del', name)
  }
  try {
    ip('netns', 'add', hub)
    ip('netns', 'exec', hub, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    for (const [i, name] of names.entries()) {
      ip('netns', 'add', name)
      links.push(await startLink(path, link, [hub, hubAddress(i + 1), name, address(i + 1)], i + 1))
      ip('-n', name, 'route', 'add', 'default', 'via', hubAddress(i + 1))
    }
  } catch (error) {
    remove()
    throw error
  }
  return {
    within: (number) => ['ip', 'netns', 'exec', names[number - 1] ?? ''],
    addressOf: address,
    pids: links.flatMap(({ pid }) => pid ?? []),
    remove,
  }
}

const hubAddress = (number: number): string => `10.77.${number}.1`
const address = (number: number): string => `10.77.${number}.2`

async function startLink(
  path: string,
  { delayMs, jitterMs, loss, mbit }: Link,
  ends: readonly string[],
  number: number,
): Promise<ChildProcess> {
  const options = { delay: delayMs, jitter: jitterMs, loss, rate: mbit }
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  const child = spawn('python3', [path, ...words, '--dev', `hf${number}`, ...ends], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // Ctrl-C is for us: nodes are stopped before their links
  })
  const up = Promise.withResolvers<void>()
  child.stdout?.once('data', () => up.resolve())
  child.once('error', (error) => up.reject(error))
  child.once('exit', (code) => up.reject(new Error(`the link ended at once (${code})`)))
  const late = setTimeout(() => up.reject(new Error('the link did not come up')), UP_MS)
  try {
    await up.promise
    return child
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    clearTimeout(late)
  }
}

const ip = (...words: string[]): void =>
  void execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] })

/** For what may be gone already. */
function quietly(...words: string[]): void {
  try {
    execFileSync('ip', words, { stdio: 'ignore' })
  } catch (error) {
    if (!(error instanceof Error && 'status' in error)) throw error
  }
}
