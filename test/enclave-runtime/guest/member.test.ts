import { deepEqual, equal } from 'node:assert/strict'
import { recoverMessageAddress } from 'viem'
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
