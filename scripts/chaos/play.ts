import { type Change, isTrouble, picked, type Step, type Trouble } from './schedule.ts'
import type { ChaosWorld } from './world.ts'

export interface ChaosClock {
  /** Monotonic ms. */
  now(): number
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** What became of one step. */
export interface Played {
  readonly atMs: number
  readonly what: string
  readonly ms: number
  /** Absent: it did what it should. */
  readonly failed?: string
}

/** `missed`: its time came while another of its kind still ran, or there was nobody to pick. */
export interface PlayReport {
  readonly played: readonly Played[]
  readonly missed: number
}

const CHANGE_MS = 240_000 // an attempt has 120 s and may be aborted once (03 §4.1 S3)
const RESTART_MS = 60_000

/**
 * Plays a schedule: one change and one trouble at a time, each meeting whatever of the other runs. Trouble is over
 * when this resolves; so are changes, or they have failed.
 */
export async function play(
  steps: readonly Step[],
  world: ChaosWorld,
  clock: ChaosClock,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<PlayReport> {
  const start = clock.now()
  const played: Played[] = []
  const running = { change: null as Promise<void> | null, trouble: null as Promise<void> | null }
  let missed = 0

  const run = async (what: string, work: () => Promise<void>): Promise<void> => {
    const began = clock.now()
    say(`${seconds(began - start)} ${what}`)
    const failed = await work().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    const now = clock.now()
    played.push({
      atMs: began - start,
      what,
      ms: now - began,
      ...(failed === undefined ? {} : { failed }),
    })
    say(`${seconds(now - start)} ${what}: ${failed ?? `done in ${seconds(now - began)}`}`)
  }
  const begin = async (step: Step): Promise<boolean> => {
    const kind = isTrouble(step) ? 'trouble' : 'change'
    if (running[kind] !== null) return false
    const members = await world.members()
    const chosen = 'pick' in step ? picked(members, step.pick)?.node : 0
    if (chosen === undefined) return false
    const what = 'pick' in step ? `${step.do} ${chosen}` : step.do
    const work = isTrouble(step)
      ? () => trouble(step, chosen, world, clock, signal)
      : () => change(step, chosen, world, signal)
    running[kind] = run(what, work).finally(() => {
      running[kind] = null
    })
    return true
  }

  for (const step of steps) {
    await clock.wait(Math.max(0, start + step.atMs - clock.now()), signal)
    if (!(await begin(step))) missed++
  }
  await running.trouble
  await running.change
  return { played, missed }
}

async function change(
  step: Change,
  node: number,
  world: ChaosWorld,
  signal: AbortSignal,
): Promise<void> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(CHANGE_MS)])
  if (step.do === 'refresh') await world.refresh(within)
  else if (step.do === 'join') await world.join(within)
  else await world.leave(node, within)
}

/** It ends as it began: whatever befell the node, it is whole again afterwards. */
async function trouble(
  { do: what, forMs }: Trouble,
  node: number,
  world: ChaosWorld,
  clock: ChaosClock,
  signal: AbortSignal,
): Promise<void> {
  const restart = () =>
    world.restart(node, AbortSignal.any([signal, AbortSignal.timeout(RESTART_MS)]))
  switch (what) {
    case 'kill':
      await world.kill(node)
      await clock.wait(forMs, signal)
      await restart()
      break
    case 'freeze':
      await world.freeze(node)
      await clock.wait(forMs, signal)
      await world.thaw(node)
      break
    case 'partition':
      await world.isolate(node, signal)
      await clock.wait(forMs, signal)
      await world.heal(signal)
      break
    case 'disk-full':
      await world.fillDisk(node)
      await clock.wait(forMs, signal)
      // The limit is of the process: a node that has not ended by itself is ended with it.
      await world.kill(node)
      await restart()
      break
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
