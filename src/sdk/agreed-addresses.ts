import { ADDRESSES } from '../wire/accounts.ts'
import { pause } from './deadline.ts'
import { HoldfastError, toHoldfastError } from './holdfast-error.ts'

export interface Agreement {
  /** What the client knows already; nodes that do not name it do not count. */
  readonly address: string | undefined
  /** How many nodes must say the same: f+1, so that one of them is honest. */
  readonly needed: number
  readonly signal: AbortSignal
}

/** A guest that has just stored a key may be a moment, under load seconds, behind the one that told us. */
const ROUND_DELAYS_MS = [0, 50, 100, 200, 400, 800, 1_600]
const ASK_MS = 3_000 // an answer needs no session; a node that takes longer is as good as silent

/**
 * The addresses that `needed` nodes name, or all that answer where fewer are given: with one node there
 * is only its word. Throws ACCOUNT_DISPUTED when nodes name others, or do not know the account, and no
 * answer has enough nodes behind it.
 */
export async function agreedAddresses(
  nodes: readonly string[],
  ask: (node: string, signal: AbortSignal) => Promise<unknown>,
  { address, needed, signal }: Agreement,
): Promise<readonly string[]> {
  const said = new Map<string, readonly string[]>()
  const denied = new Map<string, string>()
  let last: HoldfastError | undefined
  const gone = new Set<string>()
  for (const delayMs of ROUND_DELAYS_MS) {
    await pause(delayMs, signal)
    for (const node of nodes) {
      if (said.has(node) || gone.has(node)) continue
      signal.throwIfAborted()
      try {
        const limited = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)])
        said.set(node, addressesOf(await ask(node, limited)))
        denied.delete(node)
      } catch (error) {
        last = toHoldfastError(error)
        if (last.id === 'NO_NODE') gone.add(node)
        else if (!last.retryable) denied.set(node, last.id)
        continue
      }
      const agreed = mostNamed(said, address)
      if (agreed !== undefined && agreed.times >= needed) return agreed.addresses
    }
    if (said.size === 0 || denied.size === 0) break // nobody knows it, or nobody is behind
  }
  const agreed = mostNamed(said, address)
  if (agreed === undefined && last !== undefined && said.size === 0) throw last
  if (agreed === undefined || agreed.times < said.size || denied.size > 0)
    throw new HoldfastError('ACCOUNT_DISPUTED', {
      details: Object.fromEntries([...said, ...denied]),
      cause: last,
    })
  return agreed.addresses
}

function addressesOf(value: unknown): readonly string[] {
  const parsed = ADDRESSES.safeParse(value)
  if (parsed.success) return parsed.data
  throw new HoldfastError('SIGNATURE_INVALID', { message: 'the answer is no list of addresses' })
}

function mostNamed(
  said: ReadonlyMap<string, readonly string[]>,
  address: string | undefined,
): { addresses: readonly string[]; times: number } | undefined {
  const counts = new Map<string, { addresses: readonly string[]; times: number }>()
  for (const addresses of said.values()) {
    if (address !== undefined && !addresses.includes(address)) continue
    const name = addresses.join()
    counts.set(name, { addresses, times: (counts.get(name)?.times ?? 0) + 1 })
  }
  return [...counts.values()].sort((a, b) => b.times - a.times)[0]
}
