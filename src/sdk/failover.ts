import { pause, raced } from './deadline.ts'
import { HoldfastError, toHoldfastError } from './holdfast-error.ts'

/** After how long without an answer another node is asked as well (06 §3). */
const HEDGE_MS = 1_500
const MAX_IN_FLIGHT = 2 // a slow network is not helped by asking everyone
/** Refusals that say something about the node, not about the request. */
const NODE_TROUBLE: ReadonlySet<string> = new Set(['NETWORK_MISMATCH', 'BAD_REQUEST'])
const INTERNAL = -32603
/** Two nodes that have too much to do may be an accident; beyond that it is the network, and waits are theirs to say. */
const FREE_REFUSALS = 2
const BUSY_MS = 500 // where a node does not say
const MOST_BUSY_MS = 5_000 // whatever it says: others may be free before

export interface Failover {
  /** Ends the wait. */
  readonly signal: AbortSignal
  /** How many nodes must refuse before the request is refused: f+1, so that one of them is honest; all by default. */
  readonly refusals?: number
  /** Told of each node that refused. */
  readonly onRefused?: (node: string) => void
  readonly hedgeMs?: number
}

/**
 * The first good answer of several nodes: the next is asked when one fails, or when nothing came for 1.5 s,
 * then 3 s, 6 s, with at most two asked at a time. Once two have too much to do, the next is asked when the last of
 * them wanted to be asked again: a network in trouble is not asked as often as it has nodes. A refusal that trying again cannot help ends it once
 * `refusals` nodes gave one, or all where fewer are given: a single node's word ends nothing. When all
 * fail, the error says what most helps: a node's own word before silence.
 */
export async function firstAnswer<T>(
  nodes: readonly string[],
  ask: (node: string, signal: AbortSignal) => Promise<T>,
  { signal, refusals = nodes.length, onRefused, hedgeMs = HEDGE_MS }: Failover,
): Promise<T> {
  const needed = Math.min(refusals, nodes.length)
  const race = new AbortController()
  const limited = AbortSignal.any([signal, race.signal])
  const errors: HoldfastError[] = []
  const refused: HoldfastError[] = []
  const asked = new Map<string, Promise<Ended<T>>>()
  const waiting = [...nodes]
  let patience = hedgeMs
  let busy = 0
  const start = (delayMs = 0): void => {
    const node = waiting.shift()
    if (node === undefined) return
    const answer =
      delayMs === 0 ? ask(node, limited) : pause(delayMs, limited).then(() => ask(node, limited))
    asked.set(node, ended(node, answer))
  }
  try {
    start()
    while (asked.size > 0) {
      const mayHedge = waiting.length > 0 && asked.size < MAX_IN_FLIGHT
      const next = await soonest(asked, mayHedge ? patience : undefined, limited)
      signal.throwIfAborted()
      if (next === undefined) {
        patience *= 2
        start()
        continue
      }
      asked.delete(next.node)
      if ('value' in next) return next.value
      if (isFinal(next.error)) {
        onRefused?.(next.node)
        if (refused.push(next.error) >= needed) throw mostFrequent(refused)
      } else errors.push(next.error)
      if (next.error.id === 'OVERLOADED') busy += 1
      start(next.error.id === 'OVERLOADED' && busy >= FREE_REFUSALS ? delayOf(next.error) : 0)
    }
    throw worst(errors, refused, needed)
  } finally {
    race.abort(new Error('another node answered'))
  }
}

type Ended<T> = { node: string } & ({ value: T } | { error: HoldfastError })

const ended = <T>(node: string, promise: Promise<T>): Promise<Ended<T>> =>
  promise.then(
    (value) => ({ node, value }),
    (error: unknown) => ({ node, error: toHoldfastError(error) }),
  )

/** The next that ends, or undefined when `patience` ran out first. */
async function soonest<T>(
  asked: ReadonlyMap<string, Promise<Ended<T>>>,
  patience: number | undefined,
  signal: AbortSignal,
): Promise<Ended<T> | undefined> {
  if (patience === undefined) return raced(Promise.race(asked.values()), signal)
  const done = new AbortController()
  try {
    const tired = pause(patience, AbortSignal.any([signal, done.signal]))
    return await Promise.race([...asked.values(), tired.then(() => undefined)])
  } finally {
    done.abort()
  }
}

/** What `post` keeps of the node's words. */
function delayOf({ details }: HoldfastError): number {
  const { said } = (details ?? {}) as { said?: { retryAfterMs?: unknown } | null }
  const ms = said?.retryAfterMs
  return typeof ms === 'number' && ms > 0 ? Math.min(ms, MOST_BUSY_MS) : BUSY_MS
}

/** Ids that say no to the request itself; a node's own trouble does not. */
const isFinal = ({ id, code, retryable }: HoldfastError): boolean =>
  !retryable && code !== INTERNAL && !NODE_TROUBLE.has(id) && !CLIENT_SIDE.has(id)

const CLIENT_SIDE: ReadonlySet<string> = new Set([
  'SIGNATURE_INVALID',
  'NO_NODE',
  'MANIFEST_INVALID',
  'STALE_COMMITTEE',
])

/** What all nodes together came to. Refusals of too few are no refusal: others may say yes later. */
function worst(
  errors: readonly HoldfastError[],
  refused: readonly HoldfastError[],
  needed: number,
): HoldfastError {
  const said = errors.filter(({ id }) => !CLIENT_SIDE.has(id))
  const invalid = errors.find(({ id }) => id === 'SIGNATURE_INVALID')
  const stale = errors.find(({ id }) => id === 'STALE_COMMITTEE')
  const manifest = errors.find(({ id }) => id === 'MANIFEST_INVALID')
  return (
    said.at(-1) ??
    lone(refused, needed) ??
    invalid ??
    stale ??
    manifest ??
    errors.at(-1) ??
    new HoldfastError('NO_NODE')
  )
}

function lone(refused: readonly HoldfastError[], needed: number): HoldfastError | undefined {
  if (refused.length === 0) return undefined
  const cause = mostFrequent(refused)
  const { id, code, message, requestId, details, blame } = cause
  const text = `${message} (${refused.length} of the ${needed} nodes that must refuse said so)`
  const fields = { code, requestId, details, blame, cause }
  return new HoldfastError(id, { ...fields, message: text, retryable: true })
}

/** The refusal that most nodes gave; of equals the first. */
function mostFrequent(refused: readonly HoldfastError[]): HoldfastError {
  const times = (one: HoldfastError): number => refused.filter(({ id }) => id === one.id).length
  return refused.reduce((best, one) => (times(one) > times(best) ? one : best))
}
