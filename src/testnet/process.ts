import { readFile } from 'node:fs/promises'

/** A process we started: its id and, where the system tells, the moment it started, so that a reused id is not mistaken for it. */
export interface ProcessRef {
  readonly pid: number
  /** Clock ticks since boot (field 22 of /proc/pid/stat); null where there is no /proc. */
  readonly started: string | null
}

export type ProcessState = 'running' | 'stopped' | 'gone'

const POLL_MS = 20 // an ended process is noticed within a frame of a screen

/** Names a live process for later. */
export async function refOf(pid: number): Promise<ProcessRef> {
  return { pid, started: (await stat(pid))?.started ?? null }
}

/** Whether the process still is, and whether it is frozen (SIGSTOP). A zombie is gone. */
export async function stateOf(ref: ProcessRef): Promise<ProcessState> {
  const seen = await stat(ref.pid)
  if (seen === undefined) return ref.started === null && answers(ref.pid) ? 'running' : 'gone'
  if (ref.started !== null && seen.started !== ref.started) return 'gone'
  if (seen.state === 'Z' || seen.state === 'X') return 'gone'
  return seen.state === 'T' || seen.state === 't' ? 'stopped' : 'running'
}

/** Sends `signal` unless the process is gone; true when it was sent. */
export async function send(ref: ProcessRef, signal: NodeJS.Signals): Promise<boolean> {
  if ((await stateOf(ref)) === 'gone') return false
  try {
    process.kill(ref.pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** Resolves to true once all of them are gone, to false at the deadline. */
export async function allGone(refs: readonly ProcessRef[], deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const states = await Promise.all(refs.map(stateOf))
    if (states.every((state) => state === 'gone')) return true
    if (performance.now() > end) return false
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** The live children of a process, read from /proc; empty where there is none. */
export async function childrenOf(pid: number): Promise<ProcessRef[]> {
  const text = await readOrUndefined(`/proc/${pid}/task/${pid}/children`)
  const pids = (text ?? '').split(' ').filter((part) => /^\d+$/.test(part))
  return await Promise.all(pids.map((part) => refOf(Number(part))))
}

async function stat(pid: number): Promise<{ state: string; started: string } | undefined> {
  const text = await readOrUndefined(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  // The command name may hold spaces and brackets: the fields begin behind its last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', started: fields[19] ?? '' }
}

async function readOrUndefined(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
