import { deepEqual, equal, throws } from 'node:assert/strict'
import {
  CHOICE_SLOTS,
  type Handle,
  type Kernel,
  KernelFull,
  KernelMisuse,
} from '../../../../protocols/kernel/kernel.ts'
import { wasmKernel } from '../../../../protocols/kernel/load.ts'
import { direction, label } from '../../../conformance/kernel-flow.ts'
import { seeded } from '../../../support/seeded.ts'

const PEERS = 15 // of a 16-node committee
const GENERATIONS = 2
const FULL_MS = 60_000

/** Calls `make` until the kernel is full; what it gave. */
function filled<Made>(make: () => Made): Made[] {
  const all: Made[] = []
  for (;;) {
    try {
      all.push(make())
    } catch (error) {
      if (!(error instanceof KernelFull)) throw error
      return all
    }
  }
}

/** A correlation, the short way: both products come from one setup with itself. */
function correlation(
  kernel: Kernel,
  side: { alice: Handle<'alice'>; bob: Handle<'bob'> },
): Handle<'correlation'> {
  const sid = label('correlation')
  const { m1, choice } = kernel.rvoleBob(side.bob, sid)
  const answered = kernel.rvoleAlice(side.alice, sid, m1)
  if (typeof answered === 'string') throw new Error(answered)
  const received = kernel.rvoleBobFinish(choice, answered.m2)
  if (typeof received === 'string') throw new Error(received)
  return kernel.corrPack(answered.product, received)
}

describe('the room of the kernel', function () {
  this.timeout(FULL_MS)

  it('holds the setups and the sessions of a 16-node committee at once', () => {
    const kernel = wasmKernel(seeded('committee'))
    let held = 0
    const side = direction(kernel, kernel, label('sid'))
    held += 2
    for (let k = 1; k < PEERS * GENERATIONS; k++) {
      direction(kernel, kernel, label(`sid ${k}`))
      held += 2
    }
    for (let k = 0; k < PEERS * GENERATIONS; k++) {
      kernel.zetaNew(label(`${k}`), label('lo'), label('hi'))
      held++
    }
    for (let k = 0; k < PEERS; k++) correlation(kernel, side)
    for (let k = 0; k < CHOICE_SLOTS; k++) kernel.rvoleBob(side.bob, label(`choice ${k}`))
    throws(() => kernel.rvoleBob(side.bob, label('one more')), KernelFull)
    for (let k = 0; k < 3; k++) kernel.dealBegin(2, 1024)
    for (let k = 0; k < 16; k++) kernel.dealBegin(3, 64)
    for (let k = 0; k < 4_096; k++) kernel.shareIn(label('s'))
    held += PEERS + CHOICE_SLOTS + 3 + 16 + 4_096
    equal(kernel.held, held)
    kernel.wipeAll()
    equal(kernel.held, 0)
  })

  it('is a KernelFull and no defect when it is used up, and comes back with every wipe', () => {
    const kernel = wasmKernel(seeded('full'))
    const nonces = filled(() => kernel.signBegin().nonce)
    equal(nonces.length, 1_280)
    throws(() => kernel.pairSend(), KernelFull) // the same size
    kernel.zetaNew(label('a'), label('b'), label('c')) // another
    equal(kernel.held, nonces.length + 1)
    for (const nonce of nonces.splice(0, 3)) kernel.wipe(nonce)
    equal(filled(() => kernel.pairSend()).length, 3)
    kernel.wipeAll()
    equal(filled(() => kernel.shareIn(label('s'))).length, 4_096)
    equal(filled(() => kernel.zetaNew(label('a'), label('b'), label('c'))).length, 512)
    equal(filled(() => kernel.dealBegin(2, 512)).length, 3)
    equal(filled(() => kernel.dealBegin(2, 128)).length, 24)
  })

  it('wipes what a full operation consumes, and makes nothing', () => {
    const kernel = wasmKernel(seeded('consumed'))
    const sid = label('sid')
    const { A } = kernel.pairSend()
    const receiving = filled(() => kernel.pairReceiveBegin(sid, A))
    equal(receiving.length, 6)
    const { sender } = kernel.pairSend()
    const held = kernel.held
    throws(() => kernel.pairBuildBegin(sender, sid, new Uint8Array(16_896)), KernelFull)
    equal(kernel.held, held - 1)
    throws(() => kernel.wipe(sender), KernelMisuse)

    const { deal } = kernel.dealBegin(1, 2_048)
    const values = kernel.dealShare(deal, 1)
    kernel.wipeAll()
    filled(() => kernel.shareIn(label('s')))
    const shares = kernel.held
    throws(() => kernel.shareSum([values], 2_048), KernelFull)
    deepEqual(values, new Uint8Array(values.length))
    equal(kernel.held, shares)
  })

  it('never gives out a handle a second time while its generations last', () => {
    const kernel = wasmKernel(seeded('generations'))
    const seen = new Set<number>()
    for (let k = 0; k < 10_000; k++) {
      const share = kernel.shareIn(label('s'))
      equal(seen.has(share), false)
      seen.add(share)
      kernel.wipe(share)
      throws(() => kernel.sharePublic(share), KernelMisuse)
    }
  })
})
