import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { decodeKeyPart } from '../../../../enclave-runtime/guest/keys/key-part.ts'
import { shareName } from '../../../../enclave-runtime/guest/keys/pending-batch.ts'
import type { EpochRoom } from '../../../../enclave-runtime/guest/rooms/epoch-room.ts'
import { RootKeyRooms } from '../../../../enclave-runtime/guest/root-key/root-key-rooms.ts'
import type { RootKey } from '../../../../enclave-runtime/guest/root-key/root-room.ts'
import { FIRST_EPOCH } from '../../../../enclave-runtime/guest/vault/epoch-name.ts'
import type { LeadReply } from '../../../../enclave-runtime/port/messages.ts'
import { isActivated, isStampedBy } from '../../../../protocols/agreement/chain/root-key.ts'
import { type EpochRecord, recordHash } from '../../../../protocols/agreement/objects/record.ts'
import type { Stamp } from '../../../../protocols/agreement/objects/root-signatures.ts'
import { exampleFirst } from '../../../protocols/agreement/example-epochs.ts'
import { GuestNet } from '../guest-net.ts'
import { type NewAccount, TestClient } from '../test-client.ts'

const ALL = [1, 2, 3, 4, 5]
const NEVER = new AbortController().signal

/** Five guests with real rooms and vaults; a key that they made is their root key, and one of them knows nothing yet. */
async function rooted(seed: string) {
  const net = await GuestNet.ready(seed)
  const client = new TestClient(seed)
  const made = await net.run(
    net.guest(1).member.lead(client.create(), { attempt: 0, signers: ALL, budgetMs: 120_000 }),
  )
  client.adopt(made)
  await net.calm()
  const keyId = Buffer.from(accountOf(made).key_id, 'hex')
  const part = await net.guest(1).vault.inEpoch(FIRST_EPOCH).sharePart(shareName(keyId))
  ok(part)
  const { publicKey, commitment } = decodeKeyPart(part)
  const key: RootKey = { keyId, publicKey, commitment }
  const { epochId } = net.committeeOf(1)
  const record: EpochRecord = { ...exampleFirst(5, 3).record, epochId, rootKey: publicKey }
  const kept: Stamp[][] = []
  const guests = net.guests.map(({ member: { rooms } }) => {
    const mine: Stamp[] = []
    kept.push(mine)
    const root = new RootKeyRooms({
      rooms,
      view: {
        unixMs: () => net.clock.unixMs(),
        tested: () => recordHash(record),
        decided: () => record,
        newest: () => record,
        isReady: () => true,
      },
      rootKey: ({ e }) => (e === FIRST_EPOCH.e ? key : undefined),
      kept: (stamp) => mine.push(stamp),
    })
    const room = rooms.serving
    ok(room)
    root.attend(room)
    root.attend(room)
    return { root, room }
  })
  const guest = (index: number): { root: RootKeyRooms; room: EpochRoom } => {
    const found = guests[index - 1]
    ok(found)
    return found
  }
  return { net, record, guests, guest, kept, key }
}

function accountOf(made: LeadReply): NewAccount {
  ok(made.kind === 'done')
  return made.result as unknown as NewAccount
}

describe('the root key in the rooms of epochs', function () {
  this.timeout(180_000) // the reference kernel, five guests

  it('signs an epoch, tests an attempt, makes stamps and canaries with the shares of the vault', async () => {
    const { net, record, guests, guest, kept, key } = await rooted('root rooms')
    const held = net.held()
    const hash = recordHash(record)
    const { root, room } = guest(2)
    const signature = await net.run(root.sign(room, hash, NEVER))
    ok(signature)
    ok(isActivated(key.publicKey, hash, { recordHash: hash, signature }))
    const tests = guests.map((each) => each.root.test(each.room, hash, NEVER))
    deepEqual(await net.run(Promise.all(tests)), Array(5).fill({ passed: true }))
    equal(await net.run(guest(4).root.canary(NEVER)), true)
    await net.until(() => kept.every(({ length }) => length > 0))
    const stamp = root.stampOf(record)
    ok(stamp)
    ok(isStampedBy(key.publicKey, stamp))
    deepEqual(kept, Array(5).fill([stamp]))
    for (const each of guests) each.root.close()
    await net.calm()
    deepEqual(net.held(), held)
    deepEqual(
      net.guests.flatMap(({ defects }) => defects),
      [],
    )
  })

  it('goes on with others where some are down, and gives up where too few are left', async () => {
    const { net, record, guest } = await rooted('root rooms down')
    const hash = recordHash(record)
    const { root, room } = guest(1)
    for (const index of [2, 3]) net.kill(index)
    ok(await net.run(root.sign(room, hash, NEVER)))
    net.kill(4)
    equal(await net.run(root.sign(room, hash, NEVER)), undefined)
    equal(await net.run(root.canary(NEVER)), false)
    const other = guest(5)
    throws(() => other.root.test({} as EpochRoom, hash, NEVER), /bug: a room that is not attended/)
  })
})
