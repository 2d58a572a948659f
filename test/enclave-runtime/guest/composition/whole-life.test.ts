import { deepEqual, equal, ok } from 'node:assert/strict'
import { recoverMessageAddress } from 'viem'
import type { LeadReply } from '../../../../enclave-runtime/port/messages.ts'
import { TestClient } from '../test-client.ts'
import { CommitteeNet } from './committee-net.ts'

const FIVE = [1, 2, 3, 4, 5]
const MAX_TRIES = 20

class Life {
  readonly net: CommitteeNet
  readonly client: TestClient
  #texts = 0

  constructor(net: CommitteeNet, seed: string) {
    this.net = net
    this.client = new TestClient(seed)
  }

  static async begin(seed: string, n: number, t: number): Promise<Life> {
    const net = await CommitteeNet.found(seed, n, t)
    await net.until(() => net.nodes.every(({ e }) => e === 0))
    await net.until(() => net.nodes.every(({ up }) => up.member.status().ready))
    return new Life(net, seed)
  }

  get #wrong() {
    const { networkId, clock } = this.net
    const now = Math.floor(clock.unixMs() / 1000)
    return { networkId, iat: now, exp: now + 120 }
  }

  async account(by: number, signers: readonly number[] = FIVE): Promise<void> {
    const request = this.client.create(this.#wrong)
    const { member } = this.net.at(by).up
    const made = await this.net.run(member.lead(request, { attempt: 0, signers, budgetMs: 30_000 }))
    this.client.adopt(made)
  }

  async sign(signers: readonly number[], leader = signers[0] ?? 0): Promise<LeadReply> {
    const text = `0x${(256 + ++this.#texts).toString(16).padStart(4, '0')}` as const
    const request = this.client.message(text, this.#wrong)
    const { member } = this.net.at(leader).up
    const plan = { attempt: 0, signers, budgetMs: 10_000 }
    const reply = await this.net.run(member.lead(request, plan))
    if (reply.kind === 'done') {
      const signature = reply.result as `0x${string}`
      equal(await recoverMessageAddress({ message: { raw: text }, signature }), this.client.address)
    }
    return reply
  }

  /** As a client does that is told to come back: a signer may hear a moment later that an epoch serves. */
  async signs(signers: readonly number[]): Promise<void> {
    for (let tries = 0; ; tries++) {
      const reply = await this.sign(signers)
      if (reply.kind === 'done') return
      ok(reply.kind === 'failed' && reply.fault === 'not-yet', JSON.stringify(reply))
      ok(tries < MAX_TRIES, this.net.describe())
      const { clock } = this.net
      const later = clock.monotonicMs() + reply.retryAfterMs
      await this.net.until(() => clock.monotonicMs() >= later)
    }
  }

  async serves(e: number, at: readonly number[]): Promise<void> {
    await this.net.until(() => at.every((id) => this.net.at(id).e === e))
  }

  /** Every epoch before e is gone at these: its room, and its key. */
  async erased(e: number, at: readonly number[]): Promise<void> {
    await this.net.until(() =>
      at.every((id) => this.net.at(id).up.member.rooms.all.every(({ name }) => name.e >= e)),
    )
  }

  assertSound(): void {
    for (const { id, defects, ends } of this.net.nodes)
      deepEqual([id, defects, ends.map(({ line }) => line)], [id, [], []])
  }
}

describe('a committee from its genesis file on', function () {
  this.timeout(240_000)

  it('makes epoch 0, an account, a refresh, and signs before, while and after', async () => {
    const life = await Life.begin('refresh', 5, 3)
    const { net } = life
    await life.account(1)
    await life.signs([1, 2, 3])
    net.propose(net.at(1), { kind: 2 })
    await net.until(() => net.nodes.some(({ state }) => state.attempts.size > 0))
    await life.signs([3, 4, 5])
    await life.serves(1, FIVE)
    await life.signs([1, 2, 4])
    await life.erased(1, FIVE)
    await life.signs([2, 3, 5])
    life.assertSound()
  })

  it('takes a sixth member in, who signs, and lets one go', async () => {
    const life = await Life.begin('join and leave', 5, 3)
    const { net } = life
    await life.account(1)
    const newcomer = await net.newcomer()
    net.propose(net.at(2), { t: 4 }, [newcomer.join()])
    const six = [...FIVE, 6]
    await life.serves(1, six)
    await net.until(() => newcomer.up.member.rooms.serving?.requests?.hasLearned ?? false)
    await life.signs([1, 2, 3, 6])
    await life.signs([3, 4, 5, 6])
    await life.erased(1, six)

    net.propose(net.at(1), { t: 3, leaves: [{ index: 1, reason: 0 }] })
    const rest = [2, 3, 4, 5, 6]
    await life.serves(2, rest)
    await life.signs([2, 3, 6])
    const refused = await life.sign([2, 3, 6], 1)
    ok(refused.kind !== 'done')
    life.assertSound()
  })
})
