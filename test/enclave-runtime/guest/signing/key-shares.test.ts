import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { Account } from '../../../../enclave-runtime/guest/accounts/account.ts'
import { decodeKeyPart } from '../../../../enclave-runtime/guest/keys/key-part.ts'
import type { KeyStore } from '../../../../enclave-runtime/guest/keys/key-store.ts'
import { KeyShares } from '../../../../enclave-runtime/guest/signing/key-shares.ts'
import { FIRST_EPOCH } from '../../../../enclave-runtime/guest/vault/epoch-name.ts'
import { RequestError } from '../../../../protocols/request/errors.ts'
import { seeded } from '../../../support/seeded.ts'
import { openKernel } from '../../../support/trusted-setup.ts'
import { GuestNet } from '../guest-net.ts'
import { TestClient } from '../test-client.ts'

const SIGN = { attempt: 0, signers: [1, 2, 3], budgetMs: 10_000 }

describe('the root key', function () {
  this.timeout(20_000)

  it('is lent for no account, and not even loaded', async () => {
    const rootKey = new Uint8Array(33).fill(2)
    const loaded: unknown[] = []
    const keys = { share: async (keyId: Uint8Array) => loaded.push(keyId) } as unknown as KeyStore
    const { kernel } = openKernel(seeded('key shares'))
    const me = { index: 1, id: new Uint8Array(32) }
    const shares = new KeyShares(keys, kernel, { me, rootKey })
    const certificate = { keyId: new Uint8Array(32).fill(1), publicKey: rootKey.slice() }
    const account = { certificate } as unknown as Account
    equal(shares.isHalted(account), true)
    await rejects(
      shares.withShare(account, async () => undefined),
      (error) => error instanceof RequestError && error.id === 'KEY_NOT_FOUND',
    )
    deepEqual(loaded, [])
  })

  it('is refused to a request that is good in everything else, by leader and follower', async () => {
    const net = await GuestNet.ready('a key for accounts')
    const client = new TestClient('alice')
    const made = await net.run(
      net.guest(1).member.lead(client.create(), { ...SIGN, signers: [1, 2, 3, 4, 5] }),
    )
    client.adopt(made)
    await net.calm()
    equal((await net.run(net.guest(1).member.lead(client.message('0x01'), SIGN))).kind, 'done')
    await net.calm()

    net.rootKey = await publicKeyOf(net, made)
    await net.restart(2)
    await net.until(() => net.isPaired())
    const refused = { kind: 'failed', fault: 'refused', parties: [2], retryAfterMs: 0 }
    const ids = ['KEY_NOT_FOUND']
    const led = await net.run(net.guest(1).member.lead(client.message('0x02'), SIGN))
    deepEqual(led, { ...refused, ids })
    deepEqual(await net.run(net.guest(2).member.lead(client.message('0x03'), SIGN)), {
      ...refused,
      ids,
    })
    const others = { ...SIGN, signers: [1, 3, 4] }
    equal((await net.run(net.guest(1).member.lead(client.message('0x04'), others))).kind, 'done')
    deepEqual(
      net.guests.flatMap(({ defects }) => defects),
      [],
    )
  })
})

async function publicKeyOf(net: GuestNet, made: unknown): Promise<Uint8Array> {
  const { key_id } = (made as { result: { key_id: string } }).result
  const part = await net
    .guest(1)
    .vault.inEpoch(FIRST_EPOCH)
    .sharePart(`share/${key_id.replace(/^0x/, '')}`)
  if (part === undefined) throw new Error(`no share of ${key_id}`)
  return decodeKeyPart(part).publicKey
}
