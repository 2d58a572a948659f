import { slope } from './network/quantiles.ts'
import { runScenario } from './network.ts'

const LEAST_S = 60 // of a soak before its memory is judged: pools and engines fill up first
const MB_PER_MINUTE = 1 // 10 §2.3: the slope of a soak

export interface SoakPlan {
  readonly minutes: number
  readonly perSecond: number
  readonly nodes: number
  readonly threshold: number
}

/** Constant load on a loopback network, and whether anything grows meanwhile (10 §6.2). False when something does. */
export async function soak(plan: SoakPlan, print: (line: string) => void): Promise<boolean> {
  const { minutes, perSecond, nodes, threshold } = plan
  const accounts = Math.ceil(perSecond * 2) // each at half of what it may ask
  const stage = { kind: 'rate', form: 'c', perSecond, minutes, accounts } as const
  const results = await runScenario({ nodes, threshold, kernel: 'default', stages: [stage] }, print)
  const [result] = results ?? []
  if (result === undefined) return false
  const growing = result.usages
    .filter(({ name }) => name.startsWith('host') || name.startsWith('guest'))
    .map(({ name, memory, handles: [had, has] }) => ({
      name,
      mb: 60 * slope(memory.filter(([s]) => s >= Math.min(LEAST_S, minutes * 20))),
      handles: has - had,
    }))
  const bad = growing.filter(({ mb }) => mb > MB_PER_MINUTE)
  print(
    bad.length === 0
      ? `No process grows by more than ${MB_PER_MINUTE} MB a minute; handles changed by at most ${Math.max(...growing.map(({ handles }) => Math.abs(handles)))}.`
      : `Growing: ${bad.map(({ name, mb }) => `${name} by ${mb.toFixed(1)} MB a minute`).join(', ')}.`,
  )
  return bad.length === 0 && result.failed.size === 0
}
