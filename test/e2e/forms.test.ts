import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { LeadReply } from '../../enclave-runtime/host/guest.ts'
import { DEFAULT_OPERATOR_SETTINGS } from '../../enclave-runtime/port/guest-settings.ts'
import type { Account } from '../../src/sdk/verify-account.ts'
import { type HostedGuests, hostGuests } from '../support/hosted-guests.ts'
import { developerKey, RealNetwork } from '../support/network.ts'

const LONG_MS = 120_000
const SIGNERS = [1, 2]
const AT_ONCE = 12
const SETTINGS = {
  correlations: { low: 4, high: 4 },
  presignatures: { keep: 2, warmMinutes: 5 },
  readyKeys: 0,
  background: { cpuPercent: 50, mbitPerSecond: 100 },
  operator: DEFAULT_OPERATOR_SETTINGS,
}

describe('signatures of real guests', function () {
  this.timeout(240_000)

  const key = developerKey()
  let network: RealNetwork
  let account: Account
  let hosted: HostedGuests
  let number = 0

  before(async () => {
    network = await RealNetwork.create(3, 2)
    await network.start()
    account = await (await network.client(key, 1, 2, 3)).createAccount()
    await network.stop()
    hosted = await hostGuests(network, SETTINGS)
  })
  after(async () => {
    await hosted?.stop()
    await network.remove()
  })

  async function status() {
    const [guest] = hosted.guests
    assert.ok(guest)
    return guest.status(AbortSignal.timeout(LONG_MS))
  }

  async function until(ready: (known: Awaited<ReturnType<typeof status>>) => boolean) {
    const end = performance.now() + LONG_MS
    while (!ready(await status())) {
      assert.ok(performance.now() < end, 'nothing is made ahead')
      await pause(50)
    }
    await pause(300) // what was made last settles
  }

  /** One request through one guest: checked, then led, with the next form when a peer does not know a name. */
  async function sign(): Promise<string> {
    const [guest] = hosted.guests
    assert.ok(guest)
    const request = await hosted.request(account, key, `form ${++number}`)
    const signal = AbortSignal.timeout(LONG_MS)
    const checked = await guest.check(request, signal)
    assert.equal(checked.kind, 'sign')
    let reply: LeadReply | undefined
    for (let attempt = 0; attempt < 3; attempt++) {
      reply = await guest.lead(request, { attempt, signers: SIGNERS, budgetMs: 10_000 }, signal)
      if (reply.kind !== 'failed' || !reply.fault.endsWith('-unknown')) break
    }
    assert.ok(reply?.kind === 'done', JSON.stringify(reply))
    return reply.form ?? 'known'
  }

  const filled = ({ correlations, presignatures }: Awaited<ReturnType<typeof status>>): boolean =>
    presignatures.own >= 2 && correlations.pools.every(({ ready }) => ready >= 4)

  it('come from correlations before a key is in use, and then from presignatures', async () => {
    await until(({ correlations }) => correlations.pools.every(({ ready }) => ready >= 4))
    assert.equal(await sign(), 'correlated')
    await until(filled)
    assert.equal(await sign(), 'presigned')
  })

  it('fall back when more are asked for than was made ahead, and none fails', async () => {
    await until(filled)
    const signed = await Promise.all(Array.from({ length: AT_ONCE }, sign))
    const times = (form: string): number => signed.filter((one) => one === form).length
    assert.ok(times('presigned') >= 2)
    assert.ok(times('correlated') >= 1)
    assert.ok(times('full') >= 1)
    assert.equal(times('presigned') + times('correlated') + times('full'), AT_ONCE)
    await until(filled)
  })
})
