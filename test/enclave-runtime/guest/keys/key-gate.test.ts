import { deepEqual, equal } from 'node:assert/strict'
import { madeName } from '../../../../enclave-runtime/guest/keys/key-part.ts'
import { ReadyKeys } from '../../../../enclave-runtime/guest/keys/ready-keys.ts'
import type { LeadReply } from '../../../../enclave-runtime/port/messages.ts'
import type { KeyCertificate } from '../../../../protocols/keygen/key-certificate.ts'
import { GuestNet } from '../guest-net.ts'
import { TestClient } from '../test-client.ts'
import { PLAN, readyNet } from './ready-net.ts'

const CREATE = { attempt: 0, signers: [1, 2, 3, 4, 5], budgetMs: 10_000 }
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** What the epoch protocol would say, as a test wants it. */
class Gate {
  frozen = false
  opens = true
  readonly released: Set<string> = new Set()
  readonly asked: string[] = []

  mayCertify = (): boolean => !this.frozen
  isReleased = (keyId: Uint8Array): boolean => this.released.has(hex(keyId))
  release = async (certificates: readonly KeyCertificate[]): Promise<boolean> => {
    for (const { keyId } of certificates) {
      this.asked.push(hex(keyId))
      if (this.opens) this.released.add(hex(keyId))
    }
    return this.opens
  }
}

/** As a coordinator does: again, while it may still come to be. */
async function leadOn(net: GuestNet, party: number, request: Uint8Array): Promise<LeadReply> {
  for (let attempt = 1; ; attempt++) {
    await net.calm()
    const reply = await net.run(net.guest(party).member.lead(request, { ...CREATE, attempt }))
    if (reply.kind !== 'failed' || attempt === 8) return reply
    net.clock.pass(reply.retryAfterMs)
  }
}

describe('keys that are made while epochs change (03 §6.1)', function () {
  this.timeout(30_000)

  it('a frozen member signs no K4: the account is made once it is not frozen any more', async () => {
    const gates = [new Gate(), new Gate(), new Gate(), new Gate(), new Gate()]
    const net = await GuestNet.ready('frozen', { gate: (index) => gates[index - 1] ?? new Gate() })
    const client = new TestClient('alice')
    for (const gate of gates.slice(0, 2)) gate.frozen = true
    const request = client.create()
    const led = await net.run(net.guest(3).member.lead(request, CREATE))
    equal(led.kind, 'failed')
    deepEqual(
      gates.flatMap(({ asked }) => asked),
      [],
    )
    await net.calm()
    for (const gate of gates) gate.frozen = false
    equal((await leadOn(net, 3, request)).kind, 'done')
    deepEqual(
      net.guests.flatMap(({ defects }) => defects),
      [],
    )
  })

  it('no address is told before a quorum holds its key; later it is the same one', async () => {
    const gate = new Gate()
    gate.opens = false
    const net = await GuestNet.ready('unheld', { gate: () => gate })
    const client = new TestClient('bob')
    const request = client.create()
    const led = await net.run(net.guest(1).member.lead(request, CREATE))
    deepEqual([led.kind, led.kind === 'failed' && led.fault], ['failed', 'not-yet'])
    gate.opens = true
    equal((await leadOn(net, 2, request)).kind, 'done')
    equal(new Set(gate.asked).size, 1)
  })

  it('a ready key is given to nobody before a quorum holds it', async () => {
    const gate = new Gate()
    gate.opens = false
    const net = await readyNet('unheld ready keys', { readyKeys: { 1: 4, 2: 3 }, gate: () => gate })
    const ready = new ReadyKeys(net.guest(1).vault).keysOf(1)
    equal(ready.length, 4)
    const client = new TestClient('carol')
    const led = await net.run(net.guest(1).member.lead(client.create(), PLAN))
    equal(led.kind, 'failed') // a key of its own is generated, and not told either
    deepEqual(new ReadyKeys(net.guest(1).vault).keysOf(1), ready)
    gate.opens = true
    await net.until(() => ready.every((keyId) => gate.isReleased(keyId)))
    const other = new TestClient('dave')
    const made = await net.run(net.guest(1).member.lead(other.create(), PLAN))
    equal(made.kind, 'done')
    equal(new ReadyKeys(net.guest(1).vault).keysOf(1).length, 3)
  })

  it('what lies beside ready keys is kept for the epochs after, and goes with the account', async () => {
    const net = await readyNet('kept parts', { readyKeys: { 1: 4, 2: 3 } })
    const { vault, member } = net.guest(1)
    const keys = new ReadyKeys(vault).keysOf(1)
    await member.rooms.serving?.keepParts()
    await member.rooms.serving?.keepParts()
    const kept = await Promise.all(keys.map((keyId) => vault.bulk(madeName(keyId))))
    equal(kept.filter((part) => part !== undefined).length, 4)
    const made = await net.run(member.lead(new TestClient('erin').create(), PLAN))
    equal(made.kind, 'done')
    const left = await Promise.all(keys.map((keyId) => vault.bulk(madeName(keyId))))
    equal(left.filter((part) => part !== undefined).length, 3)
  })
})
