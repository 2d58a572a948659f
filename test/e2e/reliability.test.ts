import assert from 'node:assert/strict'
import { recoverMessageAddress } from 'viem'
import type { Holdfast } from '../../src/sdk/client.ts'
import { HoldfastError } from '../../src/sdk/holdfast-error.ts'
import type { Account } from '../../src/sdk/verify-account.ts'
import { stateOf } from '../../src/testnet/process.ts'
import type { TestnetNode } from '../../src/testnet/state.ts'
import { developerKey, RealNetwork } from '../support/network.ts'

const ALL = [1, 2, 3, 4, 5]

describe('five nodes with threshold three, as real processes', function () {
  this.timeout(240_000)

  const key = developerKey()
  let network: RealNetwork
  let account: Account
  let first: readonly TestnetNode[]

  before(async () => {
    network = await RealNetwork.create(5, 3)
    first = (await network.start()).nodes
    const client = await network.client(key, ...ALL)
    account = await client.createAccount()
  })

  after(() => network.remove())

  /** Asks one node for a signature, and has somebody else than us recover its signer. */
  const signs = async (client: Holdfast, message: string): Promise<void> => {
    const signature = await client.signMessage({ account, message })
    const signer = await recoverMessageAddress({ message, signature: signature as `0x${string}` })
    assert.equal(signer, account.address)
  }

  it('sign through whichever node is asked', async () => {
    for (const node of ALL) await signs(await network.client(key, node), `through ${node}`)
  })

  it('sign on while one of them is frozen, and with it again once it thaws', async () => {
    await network.freeze(5)
    const client = await network.client(key, 1)
    await Promise.all([1, 2, 3, 4].map((nth) => signs(client, `frozen ${nth}`)))
    await network.thaw(5)
    await signs(await network.client(key, 5), 'thawed')
  })

  it('answer every request when one of them dies in the middle of signing', async () => {
    const client = await network.client(key, 1)
    const requests = Array.from({ length: 8 }, (_, nth) => signs(client, `killed ${nth}`))
    await network.kill(2)
    await Promise.all(requests)
  })

  it('sign on with two of five killed', async () => {
    await network.kill(3)
    for (const node of [1, 4, 5]) await signs(await network.client(key, node), `left ${node}`)
  })

  it('refuse to make a key while a member is missing, and say who is', async () => {
    const client = await network.client(developerKey(), 1)
    await assert.rejects(client.createAccount(), (error: unknown) => {
      assert.ok(error instanceof HoldfastError)
      assert.equal(error.id, 'MPC_QUORUM')
      assert.match(error.message, /5/)
      return true
    })
  })

  it('say MPC_QUORUM within ten seconds when three of five are killed', async () => {
    await network.kill(4)
    const client = await network.client(key, 1)
    const began = performance.now()
    await assert.rejects(client.signMessage({ account, message: 'too few' }), { id: 'MPC_QUORUM' })
    assert.ok(performance.now() - began < 10_000)
  })

  it('sign with the same key after all of them were stopped and started', async () => {
    await network.stop()
    await network.start()
    for (const node of [2, 4]) await signs(await network.client(key, node), `again ${node}`)
    const [address] = await (await network.client(key, 3)).getAccounts(account)
    assert.equal(address, account.address)
  })

  it('leave no process behind', async () => {
    const running = (await network.state()).nodes
    await network.stop()
    for (const { host, guest } of [...first, ...running])
      for (const ref of [host, guest]) if (ref !== null) assert.equal(await stateOf(ref), 'gone')
  })
})
