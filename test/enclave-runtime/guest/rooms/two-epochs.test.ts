import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { recoverMessageAddress } from 'viem'
import type { EpochName } from '../../../../enclave-runtime/guest/epochs/epoch-work.ts'
import { shareName } from '../../../../enclave-runtime/guest/keys/pending-batch.ts'
import { SetupFailed } from '../../../../enclave-runtime/guest/pairs/setup-failed.ts'
import type { EpochRoom } from '../../../../enclave-runtime/guest/rooms/epoch-room.ts'
import { FIRST_EPOCH } from '../../../../enclave-runtime/guest/vault/epoch-name.ts'
import type { LeadReply } from '../../../../enclave-runtime/port/messages.ts'
import { MESSAGE_TYPES } from '../../../../protocols/session/numbers.ts'
import { GuestNet, type NetOptions, type NextEpoch } from '../guest-net.ts'
import { answerIn, record } from '../letters.ts'
import { TestClient } from '../test-client.ts'

const EVERYONE = [1, 2, 3, 4, 5]
const KEYGEN = { attempt: 0, signers: EVERYONE, budgetMs: 120_000 }
const SIGN = { attempt: 0, signers: [1, 2, 3], budgetMs: 10_000 }
const NEXT: EpochName = { e: 1, k: 1 }
const SAME: NextEpoch = { members: EVERYONE, t: 3 }

async function withAccount(seed: string, options: NetOptions = {}) {
  const net = await GuestNet.ready(seed, options)
  const client = new TestClient(seed)
  const made = await net.run(net.guest(1).member.lead(client.create(), KEYGEN))
  client.adopt(made)
  await net.calm()
  ok(made.kind === 'done')
  const { key_id } = made.result as { key_id: string }
  return { net, client, keyId: new Uint8Array(Buffer.from(key_id, 'hex')) }
}

/** The forming room of the next epoch, at these guests. */
function form(net: GuestNet, next: NextEpoch, at: readonly number[], epoch = NEXT): EpochRoom[] {
  return at.map((index) => net.guest(index).member.rooms.open(net.planOf(index, epoch, next)))
}

async function setUp(net: GuestNet, rooms: readonly EpochRoom[]): Promise<void> {
  await net.run(Promise.all(rooms.map((room) => room.setUpPairs())))
}

/** The next epoch's shares of the key: a refresh that adds the zero polynomial. */
async function reshare(net: GuestNet, keyId: Uint8Array, at = EVERYONE): Promise<void> {
  const name = shareName(keyId)
  for (const index of at) {
    const { vault, open } = net.guest(index)
    await vault.makeEpoch(NEXT)
    const share = await vault.loadShare(FIRST_EPOCH, name)
    const part = await vault.sharePart(FIRST_EPOCH, name)
    ok(part)
    await vault.writeShares(NEXT, [{ name, share, part }], 1)
    open.kernel.wipe(share)
  }
}

const lead = (net: GuestNet, client: TestClient, text: string, plan = SIGN): Promise<LeadReply> =>
  net.run(net.guest(plan.signers[0] ?? 0).member.lead(client.message(text), plan))

async function assertSigned(reply: LeadReply, client: TestClient, text: string): Promise<void> {
  equal(reply.kind, 'done', JSON.stringify(reply))
  if (reply.kind !== 'done') return
  const signature = reply.result as `0x${string}`
  equal(
    await recoverMessageAddress({ message: { raw: text as `0x${string}` }, signature }),
    client.address,
  )
}

const defects = (net: GuestNet) => net.guests.flatMap((guest) => guest.defects)

describe('two epochs in one guest', function () {
  this.timeout(30_000)

  it('sign before, while the next is formed, and in it; what was made for the first goes with it', async () => {
    const { net, client, keyId } = await withAccount('two epochs')
    const before = net.held()
    const rooms = form(net, SAME, EVERYONE)
    await net.calm()
    deepEqual(net.held(), before) // nothing begins before it is asked for
    await assertSigned(await lead(net, client, '0x01'), client, '0x01')

    const setups = setUp(net, rooms)
    await assertSigned(await lead(net, client, '0x02'), client, '0x02')
    await setups
    await net.calm()
    deepEqual(
      net.held(),
      before.map((held) => 2 * held),
    )
    deepEqual(net.guest(1).member.rooms.status, [
      { epoch: FIRST_EPOCH, isForming: false, isServing: true, setups: { ready: 4, of: 4 } },
      { epoch: NEXT, isForming: true, isServing: false, setups: { ready: 4, of: 4 } },
    ])

    await reshare(net, keyId)
    for (const { member } of net.guests) member.rooms.serve(NEXT)
    const letters = record(net)
    await assertSigned(await lead(net, client, '0x03'), client, '0x03')
    ok(letters.length > 0 && letters.every(({ epoch }) => epoch?.e === 1))

    await net.calm()
    for (const { member } of net.guests) member.rooms.close(FIRST_EPOCH)
    deepEqual(net.held(), before)
    await assertSigned(await lead(net, client, '0x04'), client, '0x04')
    await net.calm()
    deepEqual(net.held(), before)
    deepEqual(defects(net), [])
  })

  it('lead in the first while a chosen signer may not serve the next yet', async () => {
    const { net, client, keyId } = await withAccount('a late member')
    await setUp(net, form(net, SAME, EVERYONE))
    await reshare(net, keyId)
    const active = new Set([1, 2])
    for (const index of [1, 2])
      net.guest(index).member.rooms.serve(NEXT, (party) => active.has(party))
    const letters = record(net)
    await assertSigned(await lead(net, client, '0x01'), client, '0x01')
    ok(letters.every(({ epoch }) => epoch?.e === 0))
    // The leader that has not switched is followed by those that have.
    await assertSigned(
      await lead(net, client, '0x02', { ...SIGN, signers: [3, 4, 5] }),
      client,
      '0x02',
    )
    await assertSigned(
      await lead(net, client, '0x03', { ...SIGN, signers: [2, 3, 4] }),
      client,
      '0x03',
    )

    // Without the room before, whoever is behind says so.
    net.guest(1).member.rooms.close(FIRST_EPOCH)
    const behind = await lead(net, client, '0x05')
    deepEqual(behind.kind === 'failed' && [behind.fault, behind.parties], ['not-yet', [3]])
    net.guest(3).member.rooms.serve(NEXT)
    await assertSigned(await lead(net, client, '0x06'), client, '0x06')
    deepEqual(defects(net), [])
  })

  it('take nothing of a closed one', async () => {
    const { net, client, keyId } = await withAccount('closed')
    await setUp(net, form(net, SAME, EVERYONE))
    await reshare(net, keyId)
    for (const { member } of net.guests) member.rooms.serve(NEXT)
    for (const index of [1, 2]) net.guest(index).member.rooms.close(FIRST_EPOCH)
    // Guest 3 still has it, and asks those that have not.
    const rooms = net.guest(3).member.rooms
    const first = rooms.at(FIRST_EPOCH)?.requests
    ok(first)
    const letters = record(net)
    const request = client.message('0x01')
    const { member } = net.guest(3)
    rooms.serve(FIRST_EPOCH)
    const reply = await net.run(member.lead(request, { ...SIGN, signers: [1, 2, 3] }))
    equal(reply.kind === 'failed' && reply.fault, 'timeout', JSON.stringify(reply))
    equal(answerIn(letters, 1), 'silence')
    equal(answerIn(letters, 2), 'silence')
    rooms.serve(NEXT)
    await assertSigned(await lead(net, client, '0x02'), client, '0x02')
    deepEqual(defects(net), [])
  })

  it('refuse a session of the one in the room of the other', async () => {
    const { net, client, keyId } = await withAccount('mixed')
    await setUp(net, form(net, SAME, EVERYONE))
    await reshare(net, keyId)
    for (const { member } of net.guests) member.rooms.serve(NEXT)
    // The letter of a session of the next epoch comes to guest 2 in the room of the first.
    const letters = record(net, (carried) =>
      carried.to === 2 && carried.letter.type === MESSAGE_TYPES.open
        ? [{ ...carried, epoch: FIRST_EPOCH }]
        : [carried],
    )
    const reply = await lead(net, client, '0x01')
    await net.calm()
    equal(reply.kind, 'failed')
    equal(answerIn(letters, 2), 'EPOCH_MISMATCH')
    // A round of it in the other room is heard by nobody.
    net.tamper = (carried) =>
      carried.to === 3 && carried.letter.type === MESSAGE_TYPES.round
        ? [{ ...carried, epoch: FIRST_EPOCH }, carried]
        : [carried]
    await assertSigned(await lead(net, client, '0x02'), client, '0x02')
    await net.calm()
    deepEqual(
      net.guests.map(({ member }) => member.status().bans),
      [[], [], [], [], []],
    )
    deepEqual(defects(net), [])
  })

  it('come back after a restart, setups and all', async () => {
    const { net, client, keyId } = await withAccount('restarted')
    await setUp(net, form(net, SAME, EVERYONE))
    await reshare(net, keyId)
    await net.restart(2)
    const again = form(net, SAME, [2])
    net.guest(2).member.links([1, 3, 4, 5])
    await setUp(net, [
      ...again,
      ...EVERYONE.flatMap((at) => net.guest(at).member.rooms.at(NEXT) ?? []),
    ])
    for (const { member } of net.guests) member.rooms.serve(NEXT)
    await net.until(() => net.isPaired())
    await assertSigned(await lead(net, client, '0x01'), client, '0x01')
    deepEqual(defects(net), [])
  })
})

describe('the room of an epoch that is formed', function () {
  this.timeout(30_000)

  it('has pairs among the new members alone, and none at one that leaves', async () => {
    const net = await GuestNet.ready('join and leave', { joiners: 1 })
    const next = { members: [1, 2, 3, 4, 6], t: 3 }
    const rooms = form(net, next, [1, 2, 3, 4, 5, 6])
    net.connect()
    await setUp(net, rooms)
    const readyOf = (index: number) => net.guest(index).member.rooms.at(NEXT)?.pairs.states()
    for (const index of [1, 2, 3, 4, 6])
      deepEqual(
        readyOf(index),
        next.members.filter((party) => party !== index).map((party) => ({ party, state: 'ready' })),
      )
    deepEqual(readyOf(5), [])
    for (const { member } of net.guests) member.rooms.serve(NEXT)
    equal(net.guest(5).member.rooms.serving?.requests, undefined)
    equal(net.guest(6).member.rooms.serving?.requests !== undefined, true)
    equal(net.guest(6).member.status().ready, true)
    const client = new TestClient('too late')
    const refused = await net.run(net.guest(5).member.check(client.create()))
    deepEqual(refused.kind === 'error' && refused.id, 'NOT_YET')
    deepEqual(defects(net), [])
  })

  it('names the peer with which there is no setup', async () => {
    const net = await GuestNet.ready('no setup')
    const rooms = form(net, SAME, [1, 2, 3, 4]) // guest 5 has not heard of it
    await rejects(setUp(net, rooms), (error) => error instanceof SetupFailed && error.peer === 5)
  })

  it('ends with whoever waits for it', async () => {
    const net = await GuestNet.ready('given up')
    const [room] = form(net, SAME, [1])
    ok(room)
    const waits = room.setUpPairs()
    net.guest(1).member.rooms.close(NEXT)
    await rejects(net.run(waits), { name: 'ProtocolError' })
    equal(net.guest(1).member.rooms.at(NEXT), undefined)
    await net.calm()
    deepEqual(net.held(), [12, 12, 12, 12, 12])
  })

  it('is set up while the one that serves still is', async () => {
    const net = await GuestNet.create('both at once')
    const rooms = form(net, SAME, EVERYONE)
    net.connect()
    await setUp(net, rooms)
    await net.until(() => net.isPaired())
    deepEqual(net.held(), [24, 24, 24, 24, 24])
  })

  it('has no pair that is banned, unless its record lifts that; then older notices count no more', async () => {
    const { net } = await withAccount('unbanned')
    const ban = (index: number, peer: number) =>
      net.guest(index).member.rooms.at(FIRST_EPOCH)?.bans.ban(peer)
    await net.run(Promise.all([ban(1, 2), ban(3, 4)]))
    await net.calm()
    const unban = [[1, 2]] as const
    const rooms = form(net, { ...SAME, unban }, EVERYONE)
    await setUp(net, rooms)
    const bansIn = (epoch: EpochName) =>
      net.guests.map(({ member }) => member.rooms.at(epoch)?.bans.all.map(String).sort().join(' '))
    deepEqual(bansIn(NEXT), Array(5).fill('3,4'))
    deepEqual(bansIn(FIRST_EPOCH), Array(5).fill('1,2 3,4'))
    deepEqual(rooms[0]?.pairs.states()[0], { party: 2, state: 'ready' })

    // Guest 5 does not serve it yet, and tells a restarted guest 1 of the old ban.
    for (const index of [1, 2, 3, 4]) net.guest(index).member.rooms.serve(NEXT)
    await net.calm()
    await net.restart(1)
    form(net, { ...SAME, unban }, [1])
    net.connect()
    await net.calm()
    deepEqual(bansIn(NEXT), Array(5).fill('3,4'))
    const [back] = form(net, SAME, [1], { e: 2, k: 1 })
    deepEqual(back?.bans.all, [[3, 4]])

    // One of the new epoch's own counts.
    await net.run(Promise.all([net.guest(2).member.rooms.at(NEXT)?.bans.ban(1)]))
    await net.calm()
    deepEqual(bansIn(NEXT), Array(5).fill('1,2 3,4'))
    deepEqual(back?.bans.all, [
      [1, 2],
      [3, 4],
    ])
    await net.restart(1)
    deepEqual(net.guest(1).member.status().bans, [
      [1, 2],
      [3, 4],
    ])
  })
})
