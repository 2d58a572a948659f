import { testSubsets } from '../../protocols/agreement/rules/test-subsets.ts'
import type { Asked } from './load.ts'
import type { ChaosAccount, ChaosWorld, NodeView } from './world.ts'

/** One thing that must be true at the end, and why it is not. */
export interface Check {
  readonly what: string
  readonly problems: readonly string[]
}

const SIGN_MS = 30_000

/** What must be true after the trouble, whatever it was. The network is settled before it is asked. */
export async function finalChecks(
  world: ChaosWorld,
  accounts: readonly ChaosAccount[],
  asked: readonly Asked[],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const views = await world.views(signal)
  return [
    {
      what: 'all members are in one epoch, whose chain follows from the genesis',
      problems: agreed(views),
    },
    {
      what: 'every account has the public key and address it had',
      problems: await kept(world, accounts, signal),
    },
    {
      what: "every member's share of every key signs",
      problems: await sharesSign(world, accounts, signal),
    },
    { what: 'every answered request was answered once', problems: once(asked) },
    {
      what: 'shares of epochs that ended are erased',
      problems: erased(views, await world.threshold()),
    },
  ]
}

export function agreed(views: readonly NodeView[]): string[] {
  const records = new Set(views.map(({ e, recordHash }) => `${e} ${recordHash}`))
  return [
    ...(views.length === 0 ? ['no member answers'] : []),
    ...(records.size > 1
      ? [
          `members are in ${records.size} epochs: ${views.map(({ node, e }) => `${node} in ${e}`).join(', ')}`,
        ]
      : []),
    ...views
      .filter(({ isVerified }) => !isVerified)
      .map(({ node }) => `the chain that node ${node} shows does not follow`),
  ]
}

async function kept(
  world: ChaosWorld,
  accounts: readonly ChaosAccount[],
  signal: AbortSignal,
): Promise<string[]> {
  const problems: string[] = []
  for (const before of accounts) {
    const now = await world.addressOf(before.accountId, signal)
    if (now !== before.address) problems.push(`${before.address} has become ${now}`)
  }
  return problems
}

/**
 * A signature verifies under the account's key only if the share of each signer is that of the record. With exactly
 * t members awake they are the signers; the fixed cover of 03 §2 has every pair, so every member, in a subset.
 */
async function sharesSign(
  world: ChaosWorld,
  accounts: readonly ChaosAccount[],
  signal: AbortSignal,
): Promise<string[]> {
  const members = await world.members()
  const t = await world.threshold()
  const problems: string[] = []
  for (const subset of testSubsets(
    members.map(({ index }) => index),
    t,
  ).subsets) {
    const awake = members.filter(({ index }) => subset.includes(index)).map(({ node }) => node)
    const asleep = members.filter(({ index }) => !subset.includes(index)).map(({ node }) => node)
    for (const node of asleep) await world.freeze(node)
    try {
      for (const account of accounts) {
        const within = AbortSignal.any([signal, AbortSignal.timeout(SIGN_MS)])
        try {
          await world.sign(account, `members ${subset.join()}`, within, awake)
        } catch (error) {
          signal.throwIfAborted()
          problems.push(
            `members ${subset.join()} do not sign for ${account.address}: ${error instanceof Error ? error.message : String(error)}`,
          )
        }
      }
    } finally {
      for (const node of asleep) await world.thaw(node)
    }
  }
  return problems
}

export function once(asked: readonly Asked[]): string[] {
  return asked
    .filter(
      ({ answers, error }) => answers.length > 1 || (answers.length === 1 && error !== undefined),
    )
    .map(({ text, answers }) => `"${text}" was answered ${answers.length} times, or failed as well`)
}

/** Enough have erased an epoch when those who have not are fewer than t: they alone cannot rebuild a key. */
export function erased(views: readonly NodeView[], t: number): string[] {
  const most = new Map<number, { have: number; of: number }>()
  for (const { receipts } of views)
    for (const { e, have, of } of receipts)
      if (have >= (most.get(e)?.have ?? 0)) most.set(e, { have, of })
  return [...most]
    .filter(([, { have, of }]) => of - have >= t)
    .map(
      ([e, { have, of }]) =>
        `epoch ${e}: ${have} of ${of} have erased their shares, ${of - have} may still rebuild a key`,
    )
}
