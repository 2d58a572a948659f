/** The client's process: accounts and requests over the SDK, as an application would make them. */
import { generateKeyPairSync } from 'node:crypto'
import { createInterface } from 'node:readline'
import { createHoldfast, type Holdfast } from '../../src/sdk/client.ts'
import { HoldfastError } from '../../src/sdk/holdfast-error.ts'
import { keySigner } from '../../src/sdk/key-signer.ts'
import type { Account } from '../../src/sdk/verify-account.ts'
import type { AgentAnswers, AgentAsk, AgentReply } from './agent-words.ts'
import { machineClock, nameOf, type Outcome, openLoop } from './open-loop.ts'

const CALL_MS = 30_000
const MAX_IN_FLIGHT = 1_000
const RETRIES = 40 // of an account, while its node makes keys at the pace it may
const RETRY_MS = 1_000
const AT_ONCE = 2 // accounts: what one member may generate at a time

const accounts: Account[] = []
const clients = new Map<string, Holdfast>()
const signer = keySigner({ pkcs8: developerKey() })

const HANDLERS: {
  readonly [K in AgentAsk['do']]: (ask: Extract<AgentAsk, { do: K }>) => Promise<AgentAnswers[K]>
} = {
  get: async ({ url }) => (await fetch(url, { signal: AbortSignal.timeout(CALL_MS) })).text(),
  status: async ({ rpc }) => {
    const response = await fetch(rpc, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'getStatus', params: [] }),
      signal: AbortSignal.timeout(CALL_MS),
    })
    const { result } = (await response.json()) as { result?: unknown }
    return result
  },
  accounts: async ({ rpc, count }) => {
    const times: number[] = []
    const make = async (): Promise<void> => {
      while (accounts.length + making < count) {
        making += 1
        try {
          times.push(await makeAccount(rpc))
        } finally {
          making -= 1
        }
      }
    }
    let making = 0
    await Promise.all(Array.from({ length: AT_ONCE }, make))
    return times
  },
  sequential: async ({ rpc, runs, pauseMs, plantedMs }) => {
    const outcomes: Outcome[] = []
    for (let run = 0; run < runs; run++) {
      const began = performance.now()
      const error = await sign(rpc, run).then(
        () => undefined,
        (cause: unknown) => nameOf(cause),
      )
      if (plantedMs > 0) await machineClock.wait(plantedMs)
      outcomes.push({ ms: performance.now() - began, ...(error !== undefined && { error }) })
      if (pauseMs > 0) await machineClock.wait(pauseMs)
    }
    return outcomes
  },
  rate: ({ rpc, perSecond, seconds }) =>
    openLoop(
      { perSecond, count: Math.round(perSecond * seconds), maxInFlight: MAX_IN_FLIGHT },
      machineClock,
      (number) => sign(rpc, number),
    ),
}

/** The signature is verified by the SDK: a wrong one rejects. */
async function sign(rpc: string, number: number): Promise<void> {
  const account = accounts[number % accounts.length]
  if (account === undefined) throw new Error('no account was made')
  await clientOf(rpc).signMessage({ account, message: `${number} at ${performance.now()}` })
}

async function makeAccount(rpc: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const began = performance.now()
    try {
      accounts.push(await clientOf(rpc).createAccount())
      return performance.now() - began
    } catch (error) {
      if (!(error instanceof HoldfastError) || attempt === RETRIES) throw error
      await machineClock.wait(RETRY_MS)
    }
  }
}

function clientOf(rpc: string): Holdfast {
  const known = clients.get(rpc)
  if (known !== undefined) return known
  const client = createHoldfast({ nodes: rpc, signer, deadlineMs: CALL_MS })
  clients.set(rpc, client)
  return client
}

function developerKey(): Uint8Array {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  return new Uint8Array(privateKey)
}

async function answer(line: string): Promise<AgentReply> {
  try {
    const ask = JSON.parse(line) as AgentAsk
    const handle = HANDLERS[ask.do] as (ask: AgentAsk) => Promise<unknown>
    return { done: await handle(ask) }
  } catch (error) {
    return { failed: error instanceof Error ? `${nameOf(error)}: ${error.message}` : 'unknown' }
  }
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`)
