import { nameOf } from '../../bench/network/open-loop.ts'
import type { ChaosClock } from './play.ts'
import type { ChaosAccount, ChaosWorld } from './world.ts'

/** One request for a signature and what came of it. */
export interface Asked {
  readonly text: string
  readonly address: string
  readonly dueMs: number
  readonly ms: number
  /** Every answer that came to it; more than one is a fault. */
  readonly answers: readonly string[]
  readonly error?: string
}

export interface LoadPlan {
  readonly perSecond: number
  readonly accounts: readonly ChaosAccount[]
  /** A request without an answer by then is lost. */
  readonly timeoutMs: number
}

/** Asks for signatures at a steady rate, whatever happens to the network, until told to stop; then waits for the last answers. */
export async function load(
  { perSecond, accounts, timeoutMs }: LoadPlan,
  world: Pick<ChaosWorld, 'sign'>,
  clock: ChaosClock,
  stop: AbortSignal,
): Promise<readonly Asked[]> {
  const start = clock.now()
  const asked: Promise<Asked>[] = []
  for (let number = 0; !stop.aborted; number++) {
    const dueMs = (number * 1000) / perSecond
    try {
      await clock.wait(Math.max(0, start + dueMs - clock.now()), stop)
    } catch (error) {
      if (stop.aborted) break
      throw error
    }
    const account = accounts[number % accounts.length]
    if (account === undefined) break
    asked.push(ask(account, `chaos ${number}`, dueMs))
  }
  return await Promise.all(asked)

  async function ask(account: ChaosAccount, text: string, dueMs: number): Promise<Asked> {
    const { address } = account
    try {
      const answer = await world.sign(account, text, AbortSignal.timeout(timeoutMs))
      return { text, address, dueMs, ms: clock.now() - start - dueMs, answers: [answer] }
    } catch (error) {
      const ms = clock.now() - start - dueMs
      return { text, address, dueMs, ms, answers: [], error: nameOf(error) }
    }
  }
}

/** The longest time in which no answer came although one was due, ms. */
export function longestSilence(asked: readonly Asked[]): number {
  const answered = asked
    .filter(({ answers }) => answers.length > 0)
    .map(({ dueMs, ms }) => dueMs + ms)
    .toSorted((a, b) => a - b)
  let longest = 0
  for (const [at, when] of answered.entries())
    longest = Math.max(longest, when - (answered[at - 1] ?? 0))
  return longest
}
