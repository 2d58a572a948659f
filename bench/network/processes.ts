import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** One process at one moment. */
export interface Sample {
  readonly cpuS: number
  readonly rssMb: number
  /** Open file descriptors. */
  readonly handles: number
}

const TICKS = 100 // of /proc on every Linux this runs on (sysconf _SC_CLK_TCK)
const CORES: number = cpus().length

/** What /proc says of a process; undefined when it is gone or there is no /proc. */
export function sampleOf(pid: number): Sample | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name may hold spaces
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return {
      cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS,
      rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
      handles: readdirSync(`/proc/${pid}/fd`).length,
    }
  } catch {
    return undefined // a process may end at any time; the caller shows the gap
  }
}

/** Seconds for which the processors of this machine worked since it started, all of them together. */
export function busySeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + soft + steal) / TICKS
}

export interface Usage {
  readonly name: string
  readonly cpuS: number
  readonly rssMb: readonly [start: number, end: number]
  readonly handles: readonly [start: number, end: number]
  /** Megabytes of memory, by seconds since the watch began. */
  readonly memory: readonly (readonly [s: number, mb: number])[]
}

/** Watches processes by name, from now until `end`. */
export class Watch {
  readonly #pids: ReadonlyMap<string, number>
  readonly #start = new Map<string, Sample>()
  readonly #memory = new Map<string, [number, number][]>()
  readonly #since = performance.now()
  readonly #busyS = busySeconds()
  readonly #timer: NodeJS.Timeout

  constructor(pids: ReadonlyMap<string, number>, everyMs: number) {
    this.#pids = pids
    for (const [name, pid] of pids) {
      const sample = sampleOf(pid)
      if (sample !== undefined) this.#start.set(name, sample)
    }
    this.#timer = setInterval(() => this.#look(), everyMs)
    this.#look()
  }

  end(): { usages: Usage[]; busyS: number; oursS: number; wallS: number; cores: number } {
    clearInterval(this.#timer)
    const usages: Usage[] = []
    for (const [name, pid] of this.#pids) {
      const [start, end] = [this.#start.get(name), sampleOf(pid)]
      if (start === undefined || end === undefined) continue
      usages.push({
        name,
        cpuS: end.cpuS - start.cpuS,
        rssMb: [start.rssMb, end.rssMb],
        handles: [start.handles, end.handles],
        memory: this.#memory.get(name) ?? [],
      })
    }
    return {
      usages,
      busyS: busySeconds() - this.#busyS,
      oursS: usages.reduce((sum, { cpuS }) => sum + cpuS, 0),
      wallS: (performance.now() - this.#since) / 1000,
      cores: CORES,
    }
  }

  #look(): void {
    const s = (performance.now() - this.#since) / 1000
    for (const [name, pid] of this.#pids) {
      const sample = sampleOf(pid)
      if (sample === undefined) continue
      this.#memory.set(name, [...(this.#memory.get(name) ?? []), [s, sample.rssMb]])
    }
  }
}
