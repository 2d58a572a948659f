import { deepEqual, equal } from 'node:assert/strict'
import { EpochGate, type GateEpochs } from '../../../../enclave-runtime/guest/keys/epoch-gate.ts'
import type { HeldKey } from '../../../../protocols/agreement/epoch/held-key.ts'
import type { State } from '../../../../protocols/agreement/epoch/state.ts'
import type { KeyCertificate } from '../../../../protocols/keygen/key-certificate.ts'
import { TestClock } from '../test-clock.ts'

const id = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

const certificate = (byte: number): KeyCertificate => ({
  committeeId: id(0xc0),
  epochId: id(0xe0),
  keyId: id(byte),
  curve: 1,
  t: 1,
  publicKey: new Uint8Array(33).fill(2),
  chainCode: id(3),
  commitment: new Uint8Array(33).fill(2),
  deviceKey: new Uint8Array(),
  pub: id(4),
  records: [id(5)],
  signatures: [[1, new Uint8Array(64)]],
})

/** What the machine of epochs is, as far as the gate looks. */
class Epochs implements GateEpochs {
  readonly made: HeldKey[] = []
  standing = 'member'
  frozen: number | null = null
  quarantine: { e: number; k: number } | null = null
  keys: HeldKey[] = []

  get state(): Readonly<State> {
    const { standing, frozen, quarantine, keys } = this
    return { standing, frozen, quarantine, base: { keys } } as unknown as State
  }

  keyMade(key: HeldKey): void {
    this.made.push(key)
  }
}

describe('EpochGate (03 §6.1)', () => {
  it('lets a member sign K4, but not while it is frozen, in quarantine, or asks what it missed', () => {
    const epochs = new Epochs()
    const gate = new EpochGate(new TestClock(0), () => epochs)
    equal(gate.mayCertify(), true)
    epochs.frozen = 1
    equal(gate.mayCertify(), false)
    epochs.frozen = null
    epochs.quarantine = { e: 1, k: 1 }
    equal(gate.mayCertify(), false)
    epochs.quarantine = null
    epochs.standing = 'asking'
    equal(gate.mayCertify(), false)
    equal(new EpochGate(new TestClock(0), () => undefined).mayCertify(), false)
  })

  it('tells all about new keys, and waits until a quorum holds each', async () => {
    const epochs = new Epochs()
    const gate = new EpochGate(new TestClock(0), () => epochs)
    const done = gate.release([certificate(1), certificate(2)], 5_000)
    deepEqual(
      epochs.made.map(({ keyId }) => keyId),
      [id(1), id(2)],
    )
    gate.released(id(1))
    equal(gate.isReleased(id(2)), false)
    gate.released(id(2))
    equal(await done, true)
    equal(await gate.release([certificate(1)], 5_000), true)
    equal(epochs.made.length, 2) // it is not told again
  })

  it('says no in time, and takes a key of the record for released', async () => {
    const epochs = new Epochs()
    const clock = new TestClock(0)
    const gate = new EpochGate(clock, () => epochs)
    const late = gate.release([certificate(1)], 5_000)
    clock.pass(5_000)
    equal(await late, false)
    const again = gate.release([certificate(1)], 5_000)
    epochs.keys = epochs.made.slice(0, 1) // the next epoch has it
    gate.changed()
    equal(await again, true)
  })
})
