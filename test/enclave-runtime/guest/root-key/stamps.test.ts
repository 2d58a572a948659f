import { deepEqual, equal, notDeepEqual, ok, throws } from 'node:assert/strict'
import {
  decodeStampLetter,
  encodeStampLetter,
  STAMPED,
} from '../../../../enclave-runtime/guest/root-key/stamp-letter.ts'
import { STAMP_RECORD } from '../../../../enclave-runtime/guest/root-key/stamps.ts'
import { openingName } from '../../../../enclave-runtime/guest/sessions/opening.ts'
import { VaultError } from '../../../../enclave-runtime/guest/vault/vault-error.ts'
import { isStampedBy } from '../../../../protocols/agreement/chain/root-key.ts'
import { stampProblem } from '../../../../protocols/agreement/chain/stamp.ts'
import { recordHash } from '../../../../protocols/agreement/objects/record.ts'
import { Stamp } from '../../../../protocols/agreement/objects/root-signatures.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { MESSAGE_TYPES } from '../../../../protocols/session/numbers.ts'
import type { Carried } from '../guest-net.ts'
import { record } from '../letters.ts'
import { RootGuest, RootNet } from './root-net.ts'

const HOUR_MS = 3_600_000

describe('stamps', function () {
  this.timeout(60_000)
  let net: RootNet
  before(async () => {
    net = await RootNet.create('stamps')
  })
  beforeEach(() => net.reset())
  afterEach(() => {
    for (const { stamps } of net.guests) stamps.close()
    deepEqual(
      net.guests.flatMap(({ errors }) => errors),
      [],
    )
  })

  /** Lets `ms` pass, with everything that happens meanwhile. */
  const pass = (ms: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    net.clock.after(ms, resolve)
    return net.run(promise)
  }
  const considerAll = (): void => {
    for (const { stamps } of net.guests) stamps.consider()
  }
  const stampsOf = (): (Stamp | null)[] => net.guests.map(({ stamps }) => stamps.of(net.record))
  const leaders = (seen: readonly Carried[]): number[] => [
    ...new Set(
      seen
        .filter(
          ({ letter }) => letter.type === MESSAGE_TYPES.open && openingName(letter.body) === 'root',
        )
        .map(({ from }) => from),
    ),
  ]
  const latest = (): Stamp => {
    const [stamp] = stampsOf()
    ok(stamp)
    return stamp
  }

  it('are made at once where there is none, by one member, and reach all', async () => {
    const seen = record(net)
    considerAll()
    await pass(1_000)
    equal(leaders(seen).length, 1)
    const stamp = latest()
    deepEqual(stampsOf(), Array(5).fill(stamp))
    ok(isStampedBy(net.publicKey, stamp))
    equal(stampProblem(stamp, net.record, net.clock.unixMs()), undefined)
    for (const { disk, kept } of net.guests) {
      deepEqual(Stamp.decode(disk.get(STAMP_RECORD) ?? new Uint8Array()), stamp)
      deepEqual(kept, [stamp])
    }
  })

  it('follow each other every stampS, led by others in turn', async () => {
    const seen = record(net)
    considerAll()
    const made: number[] = []
    for (let hour = 0; hour < 6; hour++) {
      await pass(HOUR_MS)
      made.push(latest().issuedAt)
    }
    const steps = made.slice(1).map((at, index) => at - (made[index] ?? 0))
    ok(
      steps.every((step) => step >= HOUR_MS && step < HOUR_MS + 60_000),
      steps.join(),
    )
    ok(leaders(seen).length > 1)
  })

  it('are led by the next member when one is away, not ready, or silent', async () => {
    const seen = record(net)
    considerAll()
    await pass(1_000)
    const [first] = leaders(seen)
    ok(first)
    net.reset()
    net.guest(first).knows.isReady = false
    net.tamper = (carried) => (carried.from === first || carried.to === first ? [] : [carried])
    considerAll()
    await pass(60_000)
    const others = net.guests.filter(({ index }) => index !== first)
    const [one] = others
    ok(one?.stamps.of(net.record))
    deepEqual(new Set(others.map(({ stamps }) => stamps.of(net.record)?.issuedAt)).size, 1)
    equal(net.guest(first).stamps.of(net.record), null)
  })

  it('are not signed by a guest whose clock jumped, nor for one', async () => {
    for (const guest of net.guests) guest.knows.skewMs = guest.index * 70_000
    considerAll()
    await pass(300_000)
    deepEqual(stampsOf(), Array(5).fill(null))
    for (const guest of net.guests) guest.knows.skewMs = guest.index === 5 ? 70_000 : 0
    await pass(120_000)
    ok(latest())
    equal(net.guest(5).stamps.of(net.record)?.issuedAt, latest().issuedAt) // dated before its clock: good
    // Its clock jumps back behind the stamp that it keeps: it helps with none.
    const guest = net.guest(5)
    guest.knows.skewMs = -200_000
    const { signer, room } = guest
    const fields = { ...latest(), issuedAt: net.clock.unixMs() - 200_000 }
    const validUntil = fields.issuedAt + 2 * HOUR_MS
    const leading = signer.lead(
      room,
      'stamp',
      { ...fields, validUntil },
      [1, 2, 5],
      new AbortController().signal,
    )
    equal(
      await net.run(leading.then(String, (error: Error) => error.message)),
      'not signed: not-yet clock by 5',
    )
  })

  it('stay when the process ends, and are not made again before their time', async () => {
    considerAll()
    await pass(1_000)
    const stamp = latest()
    for (const { index } of [...net.guests]) net.restart(index)
    deepEqual(stampsOf(), Array(5).fill(stamp))
    const seen = record(net)
    considerAll()
    await pass(HOUR_MS - 10_000)
    deepEqual(seen, [])
    await pass(20_000)
    notDeepEqual(latest(), stamp)
  })

  it('are made at once when all come back after the last one ended', async () => {
    considerAll()
    await pass(1_000)
    const stamp = latest()
    const disks = net.guests.map(({ disk }) => disk)
    for (const { stamps } of net.guests) stamps.close()
    await pass(5 * HOUR_MS)
    for (const [at, disk] of disks.entries()) net.guests[at] = new RootGuest(net, at + 1, disk)
    considerAll()
    await pass(1_000)
    ok(latest().issuedAt - stamp.issuedAt >= 5 * HOUR_MS)
  })

  it('of another record, an older one or another key are not taken', async () => {
    considerAll()
    await pass(1_000)
    const stamp = latest()
    const { stamps, knows, kept, disk } = net.guest(1)
    const bytes = disk.get(STAMP_RECORD)
    const forged = stamp.signature.slice()
    forged[3] = (forged[3] ?? 0) ^ 1
    for (const wrong of [
      stamp,
      { ...stamp, issuedAt: stamp.issuedAt - 1 },
      { ...stamp, issuedAt: stamp.issuedAt + 1 },
      { ...stamp, issuedAt: stamp.issuedAt + 1, signature: forged },
      { ...stamp, e: 1 },
      { ...stamp, recordHash: new Uint8Array(32) },
    ])
      equal(await stamps.take(wrong), false)
    // The next epoch is active here: what was good is of a record before it.
    net.restart(1)
    net.guest(1).knows.records = [net.record, net.next()]
    equal(net.guest(1).stamps.of(net.next()), null)
    equal(await net.guest(1).stamps.take({ ...stamp, issuedAt: stamp.issuedAt + 1 }), false)
    deepEqual([kept.length, knows.records.length], [1, 1])
    deepEqual(disk.get(STAMP_RECORD), bytes)
  })

  it('follow an activation at once, and then none is made for the record before', async () => {
    considerAll()
    await pass(1_000)
    const before = latest()
    const next = { ...net.next(), epochId: net.record.epochId } // the same room: its shares sign
    for (const { knows } of net.guests) knows.records.push(next)
    considerAll()
    await pass(1_000)
    const [after] = net.guests.map(({ stamps }) => stamps.of(next))
    ok(after)
    deepEqual([before.e, after.e], [0, 1])
    deepEqual(after.recordHash, recordHash(next))
    deepEqual(stampsOf(), Array(5).fill(null))
    equal(await net.guest(1).stamps.take({ ...before, issuedAt: after.issuedAt + 1 }), false)
  })

  it('travel in letters of one form, and a broken record is a corrupt store', () => {
    const stamp: Stamp = {
      committeeId: new Uint8Array(32).fill(1),
      e: 3,
      recordHash: new Uint8Array(32).fill(2),
      issuedAt: 1_800_000_000_000,
      validUntil: 1_800_007_200_000,
      signature: new Uint8Array(65).fill(4),
    }
    const body = encodeStampLetter(stamp)
    deepEqual(decodeStampLetter(body), stamp)
    equal(openingName(body), STAMPED)
    throws(() => decodeStampLetter(body.slice(1)), DecodeError)
    throws(() => decodeStampLetter(Stamp.encode(stamp)), DecodeError)
    throws(
      () => new RootGuest(net, 1, new Map([[STAMP_RECORD, new Uint8Array(3)]])),
      (error) => error instanceof VaultError && error.code === 'RECORD_CORRUPT',
    )
  })
})
