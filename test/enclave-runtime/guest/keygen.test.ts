import { deepEqual, equal, match, throws } from 'node:assert/strict'
import { CertifiedKeys } from '../../../enclave-runtime/guest/keys/certified-keys.ts'
import {
  KeygenLimits,
  MAX_PENDING_KEYS,
} from '../../../enclave-runtime/guest/keys/keygen-limits.ts'
import { encodeKeygenOpening } from '../../../enclave-runtime/guest/keys/keygen-opening.ts'
import type { VaultChanges } from '../../../enclave-runtime/guest/vault/vault.ts'
import type { LeadReply } from '../../../enclave-runtime/port/messages.ts'
import {
  accountIdOf,
  NO_IDENTIFIER_HASH,
  NO_SCOPE_ID,
} from '../../../protocols/request/account-id.ts'
import { RequestError } from '../../../protocols/request/errors.ts'
import { decodePlainRequest } from '../../../protocols/request/plain-request.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../protocols/session/numbers.ts'
import { seeded } from '../../support/seeded.ts'
import { type Carried, GuestNet } from './guest-net.ts'
import { answerIn, record } from './letters.ts'
import { TestClient } from './test-client.ts'
import { NETWORK, TestNode } from './vault/vault-fixture.ts'

const EVERYONE = [1, 2, 3, 4, 5]
const KEYGEN = { attempt: 0, signers: EVERYONE, budgetMs: 60_000 }
const SIGN = { attempt: 0, signers: [1, 2, 3], budgetMs: 10_000 }

const keysOf = (net: GuestNet): string =>
  net.guests
    .map(({ member }) => member.status().keys)
    .map(({ active, pending }) => `${active}+${pending}`)
    .join(' ')

const isPendingWrite = ({ critical, shares }: VaultChanges): boolean =>
  critical !== undefined && shares !== undefined && shares.size > 0
const isProofWrite = ({ critical, shares }: VaultChanges): boolean =>
  shares === undefined && [...(critical?.keys() ?? [])].some((name) => name.startsWith('pending/'))
const isActivation = ({ bulk }: VaultChanges): boolean =>
  [...(bulk?.keys() ?? [])].some((name) => name.startsWith('account/'))

/** Guest 2 dies when it is about to make a write that `when` picks, or right after it. */
function dieAt(
  net: GuestNet,
  victims: readonly number[],
  when: (changes: VaultChanges) => boolean,
) {
  const left = new Set(victims)
  net.onWrite = (party, changes) => {
    if (!left.has(party) || !when(changes) || net.down.has(party)) return
    left.delete(party)
    net.kill(party)
    throw new Error('the process is gone')
  }
}

/** Guest `party` dies when the first letter of this round is about to leave it. */
function dieBefore(net: GuestNet, party: number, round: string): void {
  net.tamper = (carried) => {
    if (carried.from !== party || carried.letter.round !== ROUND_NUMBERS[round]) return [carried]
    if (!net.down.has(party)) net.kill(party)
    return []
  }
}

const honest = (net: GuestNet): void => {
  net.onWrite = () => undefined
  net.tamper = (carried) => [carried]
}

describe('key generation', function () {
  this.timeout(60_000)

  it('gives every guest the account, and the same answer to the same request', async () => {
    const net = await GuestNet.create('keygen') // pair setups are not needed
    const client = new TestClient('keygen')
    const request = client.create()
    const reply = await net.run(net.guest(1).member.lead(request, KEYGEN))
    const account = client.adopt(reply)
    await net.calm()
    equal(keysOf(net), '1+0 1+0 1+0 1+0 1+0')
    equal(
      client.adopt(await net.run(net.guest(3).member.lead(request, KEYGEN))).address,
      account.address,
    )
    const checked = await net.guest(2).member.check(request)
    equal(
      checked.kind === 'done' && (checked.result as { address: string }).address,
      account.address,
    )
    deepEqual(net.held(), [0, 0, 0, 0, 0])
    equal(net.guests.flatMap(({ defects }) => defects).length, 0)
  })

  it('ends when one guest cannot be reached, names it, and leaves nothing', async () => {
    const net = await GuestNet.create('one away')
    net.kill(4)
    const reply = await net.run(net.guest(1).member.lead(new TestClient('x').create(), KEYGEN))
    deepEqual(reply.kind === 'failed' && [reply.fault, reply.parties], ['timeout', [4]])
    await net.calm()
    deepEqual(net.held(), [0, 0, 0, 0, 0])
  })

  it('is refused by every guest when the credential did not sign it', async () => {
    const net = await GuestNet.create('liar')
    const letters = record(net)
    const [mine, other] = [new TestClient('mine'), new TestClient('other')]
    const request = other.request(
      'holdfast_createAccount',
      { credential: mine.credential() },
      { accountId: null },
    )
    const fields = { attempt: 0, nonce: seeded('n')(32), budgetMs: 5000 }
    const evalTime = Math.floor(net.clock.unixMs() / 1000)
    const body = encodeKeygenOpening({ request, ...fields, evalTime })
    const letter = {
      session: seeded('s')(32),
      attempt: 0,
      round: 0,
      type: MESSAGE_TYPES.open,
      body,
    }
    for (const to of [2, 3, 4, 5]) net.inject({ from: 1, to, letter })
    await net.calm()
    for (const to of [2, 3, 4, 5]) equal(answerIn(letters, to), 'AUTH_FAILED')
  })

  it('needs a development network', async () => {
    const net = await GuestNet.create('production', { development: false })
    const reply = await net.guest(1).member.check(new TestClient('p').create())
    equal(reply.kind === 'error' && reply.id, 'METHOD_UNSUPPORTED')
  })

  describe('interrupted by a crash', () => {
    const crashes: [string, (net: GuestNet) => void][] = [
      ['before the share is durable', (net) => dieAt(net, [2], isPendingWrite)],
      ['between the share and K3', (net) => dieBefore(net, 2, 'keygen/3-prove')],
      ['before the proofs are durable', (net) => dieAt(net, [2], isProofWrite)],
      ['between the proofs and K4', (net) => dieBefore(net, 2, 'keygen/4-certify')],
      ['before the account is durable', (net) => dieAt(net, [2], isActivation)],
    ]
    for (const [name, crash] of crashes)
      it(`${name}: asking settles it, and the same request gives the one address`, async () => {
        const net = await GuestNet.ready(`crash ${name}`)
        const client = new TestClient(name)
        const request = client.create()
        crash(net)
        const first = await net.run(net.guest(1).member.lead(request, KEYGEN))
        await net.calm()
        honest(net)
        await net.restart(2)
        await net.calm()
        const early = addressIn(first)

        const again = await net.run(net.guest(1).member.lead(request, { ...KEYGEN, attempt: 1 }))
        const account = client.adopt(again)
        if (early !== undefined) equal(account.address, early)
        await net.until(() =>
          keysOf(net)
            .split(' ')
            .every((keys) => keys.startsWith('1+')),
        )
        await net.until(() => net.isPaired())
        const reply = await net.run(net.guest(2).member.lead(client.message('0x01'), SIGN))
        equal(reply.kind, 'done', JSON.stringify(reply))
      })

    it('of all guests after K3: each holds a pending key, and they settle it among themselves', async () => {
      const net = await GuestNet.create('all crash')
      const client = new TestClient('all crash')
      const request = client.create()
      dieAt(net, EVERYONE, isProofWrite)
      void net.guest(1).member.lead(request, KEYGEN)
      await net.until(() => net.down.size === 5)
      honest(net)
      for (const party of EVERYONE) await net.restart(party)
      await net.until(() => keysOf(net) === '1+0 1+0 1+0 1+0 1+0')
      client.adopt(await net.run(net.guest(4).member.lead(request, KEYGEN)))
    })

    it('of one guest for good: the others keep the key pending, and nobody gets an address', async () => {
      const net = await GuestNet.ready('pending for ever')
      const client = new TestClient('pending for ever')
      const request = client.create()
      dieAt(net, [2], isProofWrite)
      net.tamper = (carried) =>
        carried.letter.round === ROUND_NUMBERS['keygen/4-certify'] ||
        (carried.from === 2 && carried.letter.round === ROUND_NUMBERS['keygen/3-prove'])
          ? []
          : [carried]
      const first = await net.run(net.guest(1).member.lead(request, KEYGEN))
      equal(first.kind, 'failed')
      net.clock.pass(3_600_000)
      await net.calm()
      equal(
        [1, 3, 4, 5].map((party) => net.guest(party).member.status().keys.pending).join(),
        '1,1,1,1',
      )
      const iat = Math.floor(net.clock.unixMs() / 1000)
      const times = { iat, exp: iat + 60 }
      const asked = client.request('eth_accounts', [], { ...idOf(net, request), ...times })
      const check = await net.guest(3).member.check(asked)
      equal(check.kind === 'error' && check.id, 'AUTH_FAILED')
    })
  })

  it('certifies at most one key of an account, however often it is tried', async () => {
    const net = await GuestNet.ready('one K4')
    const client = new TestClient('one K4')
    const request = client.create()
    // K4 of everyone is lost: all have signed the first key, nobody knows it.
    net.tamper = (carried) =>
      carried.letter.round === ROUND_NUMBERS['keygen/4-certify'] ||
      carried.letter.type === MESSAGE_TYPES.certificateAsk
        ? []
        : [carried]
    equal((await net.run(net.guest(1).member.lead(request, KEYGEN))).kind, 'failed')
    const keyIds = new Set<string>()
    net.onWrite = (_, { critical }) => {
      for (const name of critical?.keys() ?? []) if (name.startsWith('pending/')) keyIds.add(name)
    }
    const second = await net.run(net.guest(1).member.lead(request, { ...KEYGEN, attempt: 1 }))
    equal(second.kind === 'failed' && second.fault, 'not-yet')
    net.tamper = (carried) => [carried]
    client.adopt(await net.run(net.guest(1).member.lead(request, { ...KEYGEN, attempt: 2 })))
    await net.until(() => keysOf(net) === '1+0 1+0 1+0 1+0 1+0')
    equal(keyIds.size, 1)
  })

  it('asks about few unfinished keys at once, and no more about those that everyone called dead', async () => {
    const net = await GuestNet.create('dead keys')
    const isAsk = ({ from, letter }: Carried) =>
      from === 1 && letter.type === MESSAGE_TYPES.certificateAsk
    net.tamper = (carried) =>
      carried.letter.type === MESSAGE_TYPES.certificateAsk ? [] : [carried]
    for (let i = 0; i < 6; i++) {
      dieAt(net, [2], isPendingWrite)
      await net.run(net.guest(1).member.lead(new TestClient(`dead ${i}`).create(), KEYGEN))
      await net.calm()
      await net.restart(2)
      await net.calm()
    }
    equal(keysOf(net), '0+6 0+0 0+6 0+6 0+6')

    const letters = record(net)
    net.guest(1).member.links([])
    net.connect()
    await net.calm()
    equal(letters.filter(isAsk).length, 4 * 4) // four keys, four others
    for (let minute = 0; minute < 10; minute++) {
      net.clock.pass(60_000)
      await net.calm()
    }
    const asked = letters.filter(isAsk)
    const sessions = new Set(asked.map(({ letter }) => Buffer.from(letter.session).toString('hex')))
    equal(sessions.size, 6)
    net.clock.pass(24 * 3_600_000)
    await net.calm()
    equal(letters.filter(isAsk).length, asked.length)
    equal(keysOf(net), '0+6 0+0 0+6 0+6 0+6') // dead, and kept
  })

  it('is refused to a member whose runs come to nothing, and to all when too much is unfinished', () => {
    let now = 0
    let pending = 0
    const limits = new KeygenLimits(
      () => now,
      () => pending,
    )
    const why = (opener: number): string => {
      try {
        limits.assertOpen(opener)
        return 'open'
      } catch (error) {
        return error instanceof RequestError ? `${error.id}: ${error.message}` : 'another error'
      }
    }
    for (let i = 0; i < 20; i++) limits.lost(4)
    match(why(4), /^LIMIT_EXCEEDED: .*of this node were not finished/)
    equal(why(3), 'open')
    for (let i = 0; i < 600; i++) limits.ran(3)
    match(why(3), /^LIMIT_EXCEEDED: .* in this hour/)
    now += 3_600_000
    equal(why(3), 'open')
    equal(why(4), 'open')
    pending = MAX_PENDING_KEYS
    for (const opener of [1, 2, 3, 4, 5])
      match(why(opener), /^LIMIT_EXCEEDED: .*too many unfinished keys/)
  })

  it('of a leader whose runs were never finished is refused by the others, who say why', async () => {
    const net = await GuestNet.create('lost runs')
    net.tamper = (carried) =>
      carried.letter.round === ROUND_NUMBERS['keygen/3-prove'] ||
      carried.letter.type === MESSAGE_TYPES.certificateAsk
        ? []
        : [carried]
    const lead = (leader: number, i: number) => {
      const iat = Math.floor(net.clock.unixMs() / 1000)
      const request = new TestClient(`lost ${i}`).create({ iat, exp: iat + 300 })
      return net.run(net.guest(leader).member.lead(request, { ...KEYGEN, budgetMs: 1000 }))
    }
    for (let i = 0; i < 20; i++) equal((await lead(1, i)).kind, 'failed')
    const own = await lead(1, 20)
    equal(own.kind === 'error' && own.id, 'LIMIT_EXCEEDED')
    await net.restart(1) // it forgot, the others did not
    const asked = await lead(1, 21)
    deepEqual(asked.kind === 'failed' && [asked.fault, asked.ids], ['refused', ['LIMIT_EXCEEDED']])
    honest(net)
    equal((await lead(2, 22)).kind, 'done')
  })

  it('certifies no second key of an account whose record the host deleted', async () => {
    const net = await GuestNet.create('deleted account')
    const client = new TestClient('deleted account')
    const request = client.create()
    const before = await net.guest(1).node.rows()
    client.adopt(await net.run(net.guest(1).member.lead(request, KEYGEN)))
    await net.calm()
    for (const { index, node } of net.guests) {
      const bulk = [...(await node.rows()).keys()].filter((name) => name.startsWith('n/b/'))
      equal(bulk.length, 2) // the account, and the batch of its one key
      await node.store.batch({ puts: [], deletes: bulk })
      await net.restart(index)
    }
    const plan = { ...KEYGEN, attempt: 1 }
    for (const { member } of net.guests) {
      const again = await net.run(member.lead(request, plan))
      equal(again.kind === 'error' && again.id, 'STORAGE_FAILED')
    }

    // A guest that knows nothing of the account any more finds nobody to make it another key.
    net.kill(1)
    await net.guest(1).node.restore(before)
    await net.restart(1)
    const led = await net.run(net.guest(1).member.lead(request, { ...plan, attempt: 2 }))
    deepEqual(led.kind === 'failed' && [led.fault, led.ids], ['refused', ['STORAGE_FAILED']])
    await net.calm()
    equal(keysOf(net), '0+0 1+0 1+0 1+0 1+0')
  })

  it('remembers for which key of an account it certified, and only for that one', async () => {
    const { node, vault } = await TestNode.ready('certified')
    const [account, other] = [seeded('account')(16), seeded('other')(16)]
    other[0] = account[0] ?? 0 // in the same record
    const [key, second] = [seeded('key')(32), seeded('second')(32)]
    const marks = new CertifiedKeys(vault)
    equal(marks.has(account), false)
    await vault.write({ critical: new Map([marks.add(account, key)]) })
    await vault.write({ critical: new Map([marks.add(other, second)]) })
    const again = new CertifiedKeys(await node.open(NETWORK))
    for (const known of [marks, again]) {
      deepEqual([known.has(account), known.has(other)], [true, true])
      deepEqual([known.allows(account, key), known.allows(account, second)], [true, false])
      equal(known.allows(seeded('third')(16), second), true)
      throws(() => known.add(account, second), /bug/)
    }
  })
})

const addressIn = (reply: LeadReply): string | undefined =>
  reply.kind === 'done' ? (reply.result as { address: string }).address : undefined

const idOf = (net: GuestNet, request: Uint8Array): { accountId: Uint8Array } => ({
  accountId: accountIdOf(
    net.committeeOf(1).networkId,
    NO_SCOPE_ID,
    NO_IDENTIFIER_HASH,
    decodePlainRequest(request).digest,
  ),
})
