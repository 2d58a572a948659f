import { Listr } from 'listr2'

/** One step of something long: `report` says how far it is, in a few words. */
export interface Step {
  readonly title: string
  run(report: (text: string) => void): Promise<void>
}

const NEWS_MS = 3_000 // often enough to see that it goes on, rarely enough for a log

/** Runs steps one after another: spinners where a person watches, a line at the end of each elsewhere. */
export async function runSteps(
  steps: readonly Step[],
  { terminal, say }: { terminal: boolean; say: (line: string) => void },
): Promise<void> {
  if (!terminal) {
    for (const { title, run } of steps) {
      const began = performance.now()
      let said = began
      let last = ''
      await run((text) => {
        const now = performance.now()
        if (text !== last && now - said > NEWS_MS) {
          say(`${title}: ${text}`)
          said = now
        }
        last = text
      })
      say(`${title}: ${last === '' ? 'done' : last} (${seconds(performance.now() - began)})`)
    }
    return
  }
  const tasks = steps.map(({ title, run }) => ({
    title,
    task: async (_: unknown, task: { title: string; output: string }): Promise<void> => {
      const began = performance.now()
      await run((text) => {
        task.title = `${title}: ${text}`
      })
      task.title = `${task.title} (${seconds(performance.now() - began)})`
    },
  }))
  // Signals are ours: what was started must be stopped in order.
  await new Listr(tasks, { registerSignalListeners: false }).run()
}

/** A bar of ten cells, as `██████░░░░ 6/10`. */
export function bar(done: number, all: number): string {
  const cells = 10
  const full = all === 0 ? cells : Math.floor((done / all) * cells)
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)} ${done}/${all}`
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
