import { deepEqual, equal, throws } from 'node:assert/strict'
import { Member } from '../../../../enclave-runtime/guest/member.ts'
import type { RoomPlan, RoomPost } from '../../../../enclave-runtime/guest/rooms/room-plan.ts'
import { FIRST_EPOCH } from '../../../../enclave-runtime/guest/vault/epoch-name.ts'
import {
  ENVELOPE_KINDS,
  encodeHeader,
  headerEpoch,
} from '../../../../protocols/session/envelope.ts'
import { seeded } from '../../../support/seeded.ts'
import { GuestNet, NOTHING_AHEAD } from '../guest-net.ts'

/** A guest whose channels write down what comes to them. */
async function listening() {
  const net = await GuestNet.create('routing', { n: 3, t: 2 })
  const { vault, open } = net.guest(1)
  const heard: string[] = []
  const connect = ({ committee: { epoch } }: RoomPlan): RoomPost => ({
    send: () => Promise.reject(new Error('UNREACHABLE')),
    onMessage: () => undefined,
    onRestarted: () => undefined,
    onMalformed: () => undefined,
    facts: () => undefined,
    links: (up) => heard.push(`${epoch.e}.${epoch.k} links ${up.join()}`),
    receive: (from, bytes, header) =>
      heard.push(`${epoch.e}.${epoch.k} from ${from}: ${bytes.length} bytes of ${header.epoch}`),
    close: () => heard.push(`${epoch.e}.${epoch.k} closed`),
  })
  const { rooms } = new Member({
    records: vault.inEpoch(FIRST_EPOCH),
    recordsOf: (epoch) => vault.inEpoch(epoch),
    connect,
    kernel: open.kernel,
    random: seeded('routing'),
    clock: net.clock,
    tell: () => undefined,
    bootId: new Uint8Array(16),
    settings: NOTHING_AHEAD,
    onDefect: (error) => {
      throw error
    },
  })
  const openAt = (e: number, k: number) =>
    rooms.open(net.planOf(1, { e, k }, { members: [1, 2, 3], t: 2 }))
  return { rooms, heard, openAt }
}

const envelope = (e: number): Uint8Array =>
  encodeHeader({
    kind: ENVELOPE_KINDS.first,
    from: 2,
    to: 1,
    epoch: headerEpoch(e),
    channel: new Uint8Array(8),
    sequence: 0,
  })

describe('an envelope', () => {
  it('comes to the room of its epoch, and without one is dropped and counted', async () => {
    const { rooms, heard, openAt } = await listening()
    rooms.receive(2, envelope(0)) // nothing is open
    equal(rooms.strays, 1)
    openAt(65_535, 1)
    openAt(65_536, 1)
    heard.length = 0
    rooms.receive(2, envelope(65_535))
    rooms.receive(2, envelope(65_536))
    rooms.receive(2, envelope(1))
    rooms.receive(2, new Uint8Array(3))
    deepEqual(heard, ['65535.1 from 2: 24 bytes of 65535', '65536.1 from 2: 24 bytes of 0'])
    equal(rooms.strays, 3)
    rooms.close({ e: 65_535, k: 1 })
    rooms.receive(2, envelope(65_535))
    equal(rooms.strays, 4)
  })

  it('of an epoch that is attempted again is for the later attempt', async () => {
    const { rooms, heard, openAt } = await listening()
    openAt(1, 1)
    openAt(1, 2)
    heard.length = 0
    rooms.receive(2, envelope(1))
    rooms.close({ e: 1, k: 2 })
    rooms.receive(2, envelope(1))
    deepEqual(heard, ['1.2 from 2: 24 bytes of 1', '1.2 closed', '1.1 from 2: 24 bytes of 1'])
  })
})

describe('rooms', () => {
  it('that are opened later know who is connected', async () => {
    const { rooms, heard, openAt } = await listening()
    openAt(0, 0)
    rooms.links([2, 3])
    openAt(1, 1)
    deepEqual(heard, ['0.0 links ', '0.0 links 2,3', '1.1 links 2,3'])
    throws(() => openAt(1, 1), /bug/)
    throws(() => rooms.serve({ e: 9, k: 9 }), /bug/)
    rooms.close({ e: 9, k: 9 })
    rooms.end()
    deepEqual(heard.slice(3), ['1.1 closed', '0.0 closed'])
    deepEqual(rooms.status, [])
  })
})
