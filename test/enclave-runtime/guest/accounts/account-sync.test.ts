import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  answerLetter,
  decodeAnswer,
} from '../../../../enclave-runtime/guest/accounts/account-letters.ts'
import { CertifiedKeys } from '../../../../enclave-runtime/guest/keys/certified-keys.ts'
import type { CertificateContext } from '../../../../protocols/keygen/key-certificate.ts'
import { MESSAGE_TYPES } from '../../../../protocols/session/numbers.ts'
import { type Carried, GuestNet } from '../guest-net.ts'
import { readyOf } from '../keys/ready-net.ts'
import { TestClient } from '../test-client.ts'

const EVERYONE = { attempt: 0, signers: [1, 2, 3, 4, 5], budgetMs: 10_000 }
const WITH_FIVE = { attempt: 0, signers: [1, 2, 5], budgetMs: 10_000 }
const isAnswer = ({ letter }: Carried): boolean => letter.type === MESSAGE_TYPES.accountsAnswer

/** A network with accounts, in which guest 5 holds its shares and knows of no account. */
async function scene(
  seed: string,
  accounts: number,
): Promise<{ net: GuestNet; clients: TestClient[] }> {
  const net = await GuestNet.ready(seed, { readyKeys: { 1: 3 } })
  await net.until(() => readyOf(net, 1) === 3)
  const clients: TestClient[] = []
  for (let made = 0; made < accounts; made++) {
    const client = new TestClient(`${seed} ${made}`)
    client.adopt(await net.run(net.guest(1 + (made % 2)).member.lead(client.create(), EVERYONE)))
    clients.push(client)
    await net.calm()
  }
  const { vault } = net.guest(5)
  const known = vault.criticalNames('').filter((name) => /^(certified|ready|accounts)\//.test(name))
  const ids = new CertifiedKeys(vault).idsAfter(new Uint8Array(), 100)
  equal(ids.length, accounts)
  await vault.write({
    critical: new Map(known.map((name) => [name, null])),
    bulk: new Map(ids.map((id) => [`account/${Buffer.from(id).toString('hex')}`, null])),
  })
  await net.restart(5)
  await net.until(() => net.isPaired())
  equal(net.guest(5).member.status().keys.active, 0)
  return { net, clients }
}

const certifiers = (net: GuestNet) => (): CertificateContext => {
  const { networkId, committeeId, epochId, guests, quorum } = net.committeeOf(1)
  const members = guests.map(({ index, id }) => ({ index, guestSig: id }))
  return { networkId, committeeId, epochId, members, quorum }
}

const learn = (net: GuestNet): void =>
  net.guest(5).member.rooms.serving?.requests?.learn(certifiers(net))
const hasLearned = (net: GuestNet): boolean =>
  net.guest(5).member.rooms.serving?.requests?.hasLearned === true
const active = (net: GuestNet, party: number): number =>
  net.guest(party).member.status().keys.active
const defects = (net: GuestNet): unknown[] => net.guests.flatMap((guest) => guest.defects)

describe('a newcomer and the accounts that were there before', function () {
  this.timeout(120_000)

  it('learns them and the ready keys, signs for one of them, and gives no second key to another', async () => {
    const { net, clients } = await scene('learns', 3)
    learn(net)
    await net.until(() => hasLearned(net))
    equal(active(net, 5), 3)
    const ready = net.guest(1).member.status().keys.ready
    equal(net.guest(5).member.rooms.state?.ready.countOf(1), ready)
    const [first] = clients
    ok(first)
    const signed = await net.run(net.guest(5).member.lead(first.message('0x01'), WITH_FIVE))
    equal(signed.kind, 'done', JSON.stringify(signed))
    await net.calm()
    const other = new TestClient('another')
    const made = await net.run(net.guest(1).member.lead(other.create(), EVERYONE))
    equal(made.kind, 'done', JSON.stringify(made))
    await net.until(() => active(net, 5) === 4)
    deepEqual(defects(net), [])
  })

  it('believes no single member: neither another owner of an account, nor an account that is not', async () => {
    const { net, clients } = await scene('lied to', 2)
    const [first, second] = clients
    ok(first && second)
    net.tamper = (carried) => {
      if (!isAnswer(carried) || carried.from !== 2) return [carried]
      const answer = decodeAnswer(carried.letter.body)
      const accounts = answer.accounts.map((account, at) => ({
        ...account,
        credential: answer.accounts[1 - at]?.credential ?? account.credential,
      }))
      return [{ ...carried, letter: answerLetter({ ...answer, accounts }) }]
    }
    learn(net)
    await net.until(() => hasLearned(net) && active(net, 5) === 2)
    for (const client of [first, second]) {
      const signed = await net.run(net.guest(5).member.lead(client.message('0x02'), WITH_FIVE))
      equal(signed.kind, 'done', JSON.stringify(signed))
      await net.calm()
    }
    deepEqual(defects(net), [])
  })

  it('believes two members about nothing but a key that its certificate proves', async () => {
    const { net } = await scene('forged', 2)
    net.tamper = (carried) => {
      if (!isAnswer(carried)) return [carried]
      const answer = decodeAnswer(carried.letter.body)
      const accounts = answer.accounts.map((account) => ({
        ...account,
        certificate: {
          ...account.certificate,
          signatures: account.certificate.signatures.slice(1),
        },
      }))
      return [{ ...carried, letter: answerLetter({ ...answer, accounts }) }]
    }
    learn(net)
    await net.until(() => hasLearned(net))
    equal(active(net, 5), 0)
    deepEqual(defects(net), [])
  })

  it('reads many pages, and goes on where a letter was lost', async () => {
    const { net } = await scene('pages', 3)
    let lost = 0
    net.tamper = (carried) => (isAnswer(carried) && lost++ % 3 === 0 ? [] : [carried])
    learn(net)
    await net.until(() => hasLearned(net) && active(net, 5) === 3)
    ok(lost > 3)
    deepEqual(defects(net), [])
  })
})
