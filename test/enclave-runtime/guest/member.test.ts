import { deepEqual, equal, ok } from 'node:assert/strict'
import { recoverMessageAddress } from 'viem'
import { EXIT_CODES, GuestEnd } from '../../../enclave-runtime/guest/exit-codes.ts'
import { KernelMisuse } from '../../../protocols/kernel/kernel.ts'
import { GuestNet } from './guest-net.ts'
import { TestClient } from './test-client.ts'

const EVERYONE = [1, 2, 3, 4, 5]
const KEYGEN = { attempt: 0, signers: EVERYONE, budgetMs: 120_000 }
const SIGN = { attempt: 0, signers: [1, 2, 3], budgetMs: 10_000 }

describe('a committee of five guests', () => {
  it('makes an account and signs a message', async () => {
    const net = await GuestNet.ready('first light')
    const before = net.held()
    const client = new TestClient('alice')
    const guest = net.guest(1)
    client.adopt(await net.run(guest.member.lead(client.create(), KEYGEN)))
    await net.calm()
    deepEqual(net.held(), before)
    const request = client.message('0x68656c6c6f')
    const reply = await net.run(guest.member.lead(request, SIGN))
    equal(reply.kind, 'done', JSON.stringify(reply))
    if (reply.kind !== 'done') return
    const signature = reply.result as `0x${string}`
    equal(await recoverMessageAddress({ message: 'hello', signature }), client.address)
    await net.calm()
    deepEqual(net.held(), before)
  })
})

describe('a guest whose own state contradicts itself', function () {
  this.timeout(20_000)

  async function withTwoAccounts(seed: string) {
    const net = await GuestNet.ready(seed)
    const clients = [new TestClient(`${seed} a`), new TestClient(`${seed} b`)]
    for (const client of clients)
      client.adopt(await net.run(net.guest(1).member.lead(client.create(), KEYGEN)))
    await net.calm()
    const [first, second] = clients
    ok(first && second)
    const halted = (at: number) =>
      net.guest(at).events.filter(({ code }) => code === 'HALTED').length
    return { net, first, second, halted }
  }

  it('halts a key whose share is not the certified one, and that key alone', async () => {
    const { net, first, second, halted } = await withTwoAccounts('own share')
    const { kernel } = net.guest(1).open
    const { sharePublic } = kernel
    kernel.sharePublic = (share) => {
      const point = sharePublic.call(kernel, share)
      point[0] = (point[0] ?? 0) ^ 1
      return point
    }
    const lead = (at: number, client: TestClient, text: string, signers = SIGN.signers) =>
      net.run(net.guest(at).member.lead(client.message(text), { ...SIGN, signers }))
    const without = { kind: 'failed', fault: 'refused', parties: [1], retryAfterMs: 0 }
    deepEqual(await lead(1, first, '0x01'), { ...without, ids: ['KEY_NOT_FOUND'] })
    await net.calm()
    equal(halted(1), 1)

    // It stays halted when the share is right again; nothing was erased, and nothing halts twice.
    kernel.sharePublic = sharePublic
    deepEqual(await lead(1, first, '0x02'), { ...without, ids: ['KEY_NOT_FOUND'] })
    equal(halted(1), 1)
    equal((await lead(2, first, '0x03', [2, 3, 4])).kind, 'done')
    equal((await lead(1, second, '0x04')).kind, 'done')
    await net.calm()
    deepEqual([net.guest(1).member.status().ready, net.guest(1).defects], [true, []])
    deepEqual(net.guest(1).member.status().bans, [])
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })

  it('halts altogether when a handle is misused, whatever another says in that turn', async () => {
    const { net, first, halted } = await withTwoAccounts('misuse')
    const { kernel } = net.guest(1).open
    kernel.rvoleBob = () => {
      for (const { member } of [net.guest(1)]) member.links([4, 5]) // and the session ends as well
      throw new KernelMisuse('a stale handle')
    }
    const reply = await net.run(net.guest(1).member.lead(first.message('0x01'), SIGN))
    equal(reply.kind === 'failed' && reply.fault, 'kernel')
    const [defect, ...more] = net.guest(1).defects
    ok(defect instanceof GuestEnd)
    deepEqual([defect.code, defect.line, more], [EXIT_CODES.selfTest, 'KERNEL_MISUSE', []])
    equal(halted(1), 1)
    equal(net.guest(1).member.status().ready, false)
    const again = await net.run(net.guest(1).member.lead(first.message('0x02'), SIGN))
    equal(again.kind === 'failed' && again.fault, 'kernel')
    await net.calm()
    // To the others it is one end of a session among many.
    for (const at of [2, 3, 4, 5])
      deepEqual([halted(at), net.guest(at).member.status().bans], [0, []])
  })

  it('counts what a party sealed and is no message', async () => {
    const net = await GuestNet.create('sealed nonsense', { n: 3, t: 2 })
    for (let i = 0; i < 3; i++) net.guest(1).malformed(2)
    deepEqual(
      net.guest(1).events,
      [1, 2, 3].flatMap((number) => [
        { code: 'PEER_MALFORMED', party: 2 },
        { code: 'STRIKE', party: 2, number },
      ]),
    )
  })
})
