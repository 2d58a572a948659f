import type { VaultChanges } from '../../../../enclave-runtime/guest/vault/vault.ts'
import type { LeadPlan, LeadReply } from '../../../../enclave-runtime/port/messages.ts'
import { MESSAGE_TYPES } from '../../../../protocols/session/numbers.ts'
import { type Carried, GuestNet, type NetOptions } from '../guest-net.ts'
import { type NewAccount, TestClient } from '../test-client.ts'

export const EVERYONE: readonly number[] = [1, 2, 3, 4]
export const PLAN: LeadPlan = { attempt: 0, signers: EVERYONE, budgetMs: 20_000 }

/** Four guests, of whom 1 and 2 have made keys ahead of any account. */
export async function readyNet(seed: string, options: NetOptions = {}): Promise<GuestNet> {
  const net = await GuestNet.create(seed, { n: 4, t: 3, readyKeys: { 1: 3, 2: 3 }, ...options })
  net.connect()
  await net.until(() => [1, 2].every((party) => readyOf(net, party) > 0) && isSettled(net))
  return net
}

export const readyOf = (net: GuestNet, party: number): number =>
  net.guest(party).member.status().keys.ready

/** Whether no guest that runs holds anything pending, and all know the same number of accounts. */
export const isSettled = (net: GuestNet): boolean => {
  const running = net.guests.filter(({ index }) => !net.down.has(index))
  const keys = running.map(({ member }) => member.status().keys)
  return keys.every(({ active, pending }) => pending === 0 && active === keys[0]?.active)
}

export const isAssignment = ({ letter }: Carried): boolean =>
  letter.type === MESSAGE_TYPES.assignment

/** A guest's first vote becoming durable, or its final one; and the account. */
export const isVoteWrite = ({ critical }: VaultChanges): boolean => {
  const names = [...(critical ?? [])]
  return names.some(([name, record]) => name.startsWith('assigning/') && record !== null)
}
export const isAccountWrite = ({ bulk }: VaultChanges): boolean =>
  [...(bulk?.keys() ?? [])].some((name) => name.startsWith('account/'))

/** Runs a creation through guest `leader`; time passes meanwhile. */
export const lead = (
  net: GuestNet,
  leader: number,
  request: Uint8Array,
  attempt = 0,
): Promise<LeadReply> => net.run(net.guest(leader).member.lead(request, { ...PLAN, attempt }))

/** What every running guest says is the account's key; one answer when they agree. */
export async function accountOf(net: GuestNet, request: Uint8Array): Promise<NewAccount> {
  const answers = new Set<string>()
  for (const { index, member } of net.guests) {
    if (net.down.has(index)) continue
    const reply = await member.check(request)
    const told = reply.kind === 'done' ? (reply.result as unknown as NewAccount) : undefined
    const { account_id, key_id, address } = told ?? {}
    answers.add(told ? JSON.stringify({ account_id, key_id, address }) : `${index}: ${reply.kind}`)
  }
  const [only, ...others] = answers
  if (only === undefined || others.length > 0) throw new Error([...answers].join(' | '))
  return JSON.parse(only) as NewAccount
}

/** A request of a client that nobody saw yet, valid now. */
export function creation(net: GuestNet, seed: string): { client: TestClient; request: Uint8Array } {
  const client = new TestClient(seed)
  const iat = Math.floor(net.clock.unixMs() / 1000)
  return { client, request: client.create({ iat, exp: iat + 300 }) }
}
