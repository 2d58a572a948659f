import { setTimeout as pause } from 'node:timers/promises'
import { SignedJoin } from '../../protocols/agreement/objects/join.ts'
import { Proposal } from '../../protocols/agreement/objects/proposal.ts'
import { signed } from '../../protocols/agreement/objects/signed.ts'
import type { Base } from '../../protocols/agreement/rules/base.ts'
import { changeOf, needsOperators } from '../../protocols/agreement/rules/change.ts'
import { baseOf, decoded, fromHex } from '../node/operator/base-of.ts'
import type { OperatorNode } from '../node/operator/client.ts'
import { OperatorError, type OperatorStatus, type Wish } from '../node/operator/messages.ts'
import { signAnswer } from '../node/operator/sign-answer.ts'
import { atDoor, genesisOf, operatorOf, runningOf } from './doors.ts'
import type { Testnet, TestnetNode } from './state.ts'

const LOOK_MS = 500
const EXPIRES_MS = 600_000 // several attempts of 120 s

/** A change that a member is asked to propose, from what it knows. */
export type WishOf = (status: OperatorStatus, base: Base) => Partial<Wish> & { readonly t: number }

/**
 * Has one member propose a change and the operators of all others accept it, as all of them are on this machine;
 * resolves once the epoch that it makes serves at the member that proposed it.
 */
export async function changeCommittee(
  state: Testnet,
  wishOf: WishOf,
  signal: AbortSignal,
): Promise<OperatorStatus> {
  const proposer = await memberOf(state, signal)
  return await atDoor(proposer, signal, async (door) => {
    const before = await settledStatus(door, signal)
    const base = await baseOf(before, genesisOf(proposer))
    const proposalHash = await propose(door, { ...EMPTY, ...wishOf(before, base) }, signal)
    await acceptEverywhere(state, proposalHash, signal)
    return await untilActive(door, before, signal)
  })
}

const EMPTY = {
  kind: 1,
  joins: [],
  leaves: [],
  params: null,
  allowAdd: [],
  allowDrop: [],
  unban: [],
} as const

async function propose(
  door: OperatorNode,
  wish: Omit<Wish, 'expiresAt'>,
  signal: AbortSignal,
): Promise<string> {
  const expiresAt = Date.now() + EXPIRES_MS
  return (await door.ask('propose', { ...wish, expiresAt }, signal)).proposalHash
}

/** A running member of the epoch that serves. */
async function memberOf(state: Testnet, signal: AbortSignal): Promise<TestnetNode> {
  for (const node of await runningOf(state)) {
    const { standing } = await atDoor(node, signal, (door) => door.ask('status', {}, signal))
    if (standing === 'member') return node
  }
  throw new OperatorError('waiting', 'no node of this network is a member of an epoch now')
}

/** With no attempt under way: what is proposed before one ends is for an epoch that was. */
async function settledStatus(door: OperatorNode, signal: AbortSignal): Promise<OperatorStatus> {
  for (;;) {
    const status = await door.ask('status', {}, signal)
    if (status.attempt === null && status.epoch !== null) return status
    await pause(LOOK_MS, undefined, { signal })
  }
}

/** Each operator answers at its own node, as soon as that knows the proposal. Whoever cannot be reached does not answer. */
export async function acceptEverywhere(
  state: Testnet,
  proposalHash: string,
  signal: AbortSignal,
): Promise<void> {
  const nodes = await runningOf(state)
  await Promise.allSettled(nodes.map((node) => accept(node, proposalHash, signal)))
  signal.throwIfAborted()
}

const KNOWN_MS = 20_000 // letters come again every two seconds

async function accept(node: TestnetNode, proposalHash: string, signal: AbortSignal): Promise<void> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(KNOWN_MS)])
  await atDoor(node, within, async (door) => {
    for (;;) {
      const status = await door.ask('status', {}, within)
      const open = status.proposals.find(({ hash }) => hash === proposalHash)
      if (open !== undefined && status.me !== null) {
        if (!open.yes.includes(status.me)) await answer(node, door, status, proposalHash, within)
        return
      }
      await pause(LOOK_MS, undefined, { signal: within })
    }
  })
}

async function answer(
  node: TestnetNode,
  door: OperatorNode,
  status: OperatorStatus,
  proposalHash: string,
  signal: AbortSignal,
): Promise<void> {
  const { proposal, joins, seq } = await door.ask('proposal', { proposalHash }, signal)
  if (proposal === null) return // it is over
  const base = await baseOf(status, genesisOf(node))
  const { object } = decoded(() => signed(Proposal).decode(fromHex(proposal)))
  const change = changeOf(
    object,
    decoded(() => joins.map((join) => SignedJoin.decode(fromHex(join)))),
  )
  const plain = { proposalHash, yes: true, seq }
  if (!needsOperators(base, change))
    await door.ask('answer', { ...plain, operatorSig: null }, signal)
  else {
    const full = signAnswer(base, { ...plain, index: status.me ?? 0 }, await operatorOf(node))
    await door.ask('answer', full, signal)
  }
}

async function untilActive(
  door: OperatorNode,
  before: OperatorStatus,
  signal: AbortSignal,
): Promise<OperatorStatus> {
  for (;;) {
    const status = await door.ask('status', {}, signal)
    if ((status.epoch?.e ?? -1) > (before.epoch?.e ?? -1)) return status
    await pause(LOOK_MS, undefined, { signal })
  }
}
