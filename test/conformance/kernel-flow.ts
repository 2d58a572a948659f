import type { Handle, Kernel, Signature } from '../../protocols/kernel/kernel.ts'

const MAX_STEPS = 1024 // an OT and a tree a step at the least

/** One party of a test: its kernel, its Shamir point and id, and what it holds with the only other one. */
export interface Side {
  readonly kernel: Kernel
  readonly x: number
  readonly alice: Handle<'alice'>
  readonly bob: Handle<'bob'>
  readonly zeta: Handle<'zeta'>
}

/** 32 bytes that differ by their name. */
export const label = (name: string): Uint8Array => new TextEncoder().encode(name.padEnd(32, '.'))

/** The value, or a failing test that says which answer came instead. */
export function good<Value>(value: Value | string | undefined): Value {
  if (typeof value === 'string' || value === undefined) throw new Error(`refused: ${value}`)
  return value
}

/** All steps of Alice's base OTs at once. */
export function receiveAll(
  kernel: Kernel,
  sid: Uint8Array,
  A: Uint8Array,
): { phi: Uint8Array; receiver: Handle<'receiver'> } | 'malformed' {
  const receiving = kernel.pairReceiveBegin(sid, A)
  return receiving === 'malformed' ? receiving : last(() => kernel.pairReceiveStep(receiving))
}

/** All steps of Bob's side at once. */
export function buildAll(
  kernel: Kernel,
  sender: Handle<'sender'>,
  sid: Uint8Array,
  phi: Uint8Array,
): { pprf: Uint8Array; bob: Handle<'bob'> } | 'malformed' {
  const building = kernel.pairBuildBegin(sender, sid, phi)
  return building === 'malformed' ? building : last(() => kernel.pairBuildStep(building))
}

/** The first result; a step that never has one is a failure. */
function last<Result>(step: () => Result | undefined): Result {
  for (let i = 0; i < MAX_STEPS; i++) {
    const result = step()
    if (result !== undefined) return result
  }
  throw new Error('an operation without an end')
}

/** One direction of a setup (02 §2): `alice` receives, `bob` sends. */
export function direction(
  alice: Kernel,
  bob: Kernel,
  sid: Uint8Array,
): { alice: Handle<'alice'>; bob: Handle<'bob'> } {
  const { A, sender } = bob.pairSend()
  const { phi, receiver } = good(receiveAll(alice, sid, A))
  const built = good(buildAll(bob, sender, sid, phi))
  return { bob: built.bob, alice: good(alice.pairEvaluate(receiver, sid, built.pprf)) }
}

/** A whole pair: lo with Shamir point 1, hi with 2. */
export function pair(lo: Kernel, hi: Kernel): [Side, Side] {
  const zero = direction(lo, hi, label('direction 0'))
  const one = direction(hi, lo, label('direction 1'))
  const zeta = (kernel: Kernel): Handle<'zeta'> =>
    kernel.zetaNew(label('pair'), label('z lo'), label('z hi'))
  return [
    { kernel: lo, x: 1, alice: zero.alice, bob: one.bob, zeta: zeta(lo) },
    { kernel: hi, x: 2, alice: one.alice, bob: zero.bob, zeta: zeta(hi) },
  ]
}

/** A 2-of-2 key without proofs: the public key and both shares. */
export function dealKey([lo, hi]: readonly [Side, Side]): {
  P: Uint8Array
  shares: [Handle<'share'>, Handle<'share'>]
} {
  const deals = [lo, hi].map(({ kernel }) => ({ kernel, ...kernel.dealBegin(2, 1) }))
  const shareOf = ({ kernel, x }: Side): Handle<'share'> => {
    const buffers = deals.map((deal) => deal.kernel.dealShare(deal.deal, x))
    const [share] = kernel.shareSum(buffers, 1)
    return good(share)
  }
  const shares: [Handle<'share'>, Handle<'share'>] = [shareOf(lo), shareOf(hi)]
  const P = good(lo.kernel.sumPoints(deals.map(({ F }) => F.slice(0, 33))))
  for (const { kernel, deal } of deals) kernel.wipe(deal)
  return { P, shares }
}

/** What a party has sent and keeps in the middle of form (a). */
export interface Opened {
  readonly R: Uint8Array
  readonly pk: Uint8Array
  readonly gammaU: Uint8Array
  readonly gammaV: Uint8Array
  readonly psi: Uint8Array
  readonly m2: Uint8Array
  readonly nonce: Handle<'nonce'>
  readonly key: Handle<'key'>
  readonly product: Handle<'alice-product'>
  readonly choice: Handle<'choice'>
}

/** Rounds R1 to R2 of form (a) (02 §6.1), both parties. */
export function open(
  sides: readonly [Side, Side],
  shares: readonly [Handle<'share'>, Handle<'share'>],
  session: string,
  epsilon: Uint8Array = new Uint8Array(32),
): [Opened, Opened] {
  const sid1 = label(session)
  const signers = sides.map(({ x }) => x)
  const begun = sides.map(({ kernel, x, zeta }, i) => {
    const { R, nonce } = kernel.signBegin()
    const lambda = kernel.lagrange(x, signers)
    const zetas = [{ zeta, negative: i === 0 }]
    const { pk, key } = kernel.signKey(good(shares[i]), lambda, epsilon, zetas, sid1)
    return { R, nonce, pk, key }
  })
  const bobs = sides.map(({ kernel, bob }, i) => kernel.rvoleBob(bob, label(`${session} ${1 - i}`)))
  const opened = sides.map(({ kernel, alice }, i) => {
    const mine = good(begun[i])
    const { choice } = good(bobs[i])
    const { m1 } = good(bobs[1 - i])
    const { m2, product } = good(kernel.rvoleAlice(alice, label(`${session} ${i}`), m1, mine))
    return { ...mine, m2, product, choice, ...kernel.signOpen(mine.nonce, product, choice) }
  })
  return [good(opened[0]), good(opened[1])]
}

/** The checks on R2 at party `me`, then its presignature for ΣR. */
export function closeAt(
  me: 0 | 1,
  sides: readonly [Side, Side],
  opened: readonly [Opened, Opened],
): Handle<'presignature'> {
  const { kernel } = sides[me]
  const mine = opened[me]
  const peer = opened[me === 0 ? 1 : 0]
  const received = good(unlessFault(kernel.rvoleBobFinish(mine.choice, peer.m2)))
  const omega = label('omega').slice(0, 16)
  const verdict = kernel.signCheck(mine.nonce, mine.product, received, peer, omega)
  if (verdict !== 'ok') throw new Error(`refused: ${verdict}`)
  const R = good(kernel.sumPoints([opened[0].R, opened[1].R]))
  return good(unlessFault(kernel.presign(mine.nonce, mine.key, R)))
}

/** Handles are numbers at run time, faults are words. */
export const unlessFault = <Value>(value: Value | string): Value | undefined =>
  typeof value === 'string' ? undefined : value

/** A whole signature in form (a). */
export function signTogether(
  sides: readonly [Side, Side],
  shares: readonly [Handle<'share'>, Handle<'share'>],
  digest: Uint8Array,
  session: string,
  epsilon: Uint8Array = new Uint8Array(32),
): Signature {
  const opened = open(sides, shares, session, epsilon)
  const presignatures = [closeAt(0, sides, opened), closeAt(1, sides, opened)] as const
  const parts = sides.map(({ kernel }, i) => kernel.online(good(presignatures[i]), digest))
  const { kernel } = sides[0]
  const R = good(kernel.sumPoints([opened[0].R, opened[1].R]))
  return good(kernel.combine(R, parts))
}

/** One correlation of the pair (02 §4.3), without the messages' order: the handle of each side. */
export function correlate(
  sides: readonly [Side, Side],
  session: string,
): [Handle<'correlation'>, Handle<'correlation'>] {
  const bobs = sides.map(({ kernel, bob }, i) => kernel.rvoleBob(bob, label(`${session} ${1 - i}`)))
  const alices = sides.map(({ kernel, alice }, i) =>
    good(kernel.rvoleAlice(alice, label(`${session} ${i}`), good(bobs[1 - i]).m1)),
  )
  const [lo, hi] = sides.map(({ kernel }, i) => {
    const received = kernel.rvoleBobFinish(good(bobs[i]).choice, good(alices[1 - i]).m2)
    return kernel.corrPack(good(alices[i]).product, good(unlessFault(received)))
  })
  return [good(lo), good(hi)]
}

/** What a party has sent and keeps in the middle of form (b). */
export interface Correlated {
  readonly R: Uint8Array
  readonly pk: Uint8Array
  readonly deltaU: Uint8Array
  readonly deltaV: Uint8Array
  readonly gammaU: Uint8Array
  readonly gammaV: Uint8Array
  readonly psi: Uint8Array
  readonly nonce: Handle<'nonce'>
  readonly key: Handle<'key'>
  readonly opened: Handle<'opened'>
}

/** Rounds R1 and R2 of form (b) (02 §6.1), both parties. */
export function openCorrelated(
  sides: readonly [Side, Side],
  shares: readonly [Handle<'share'>, Handle<'share'>],
  correlations: readonly [Handle<'correlation'>, Handle<'correlation'>],
  session: string,
  epsilon: Uint8Array = new Uint8Array(32),
): [Correlated, Correlated] {
  const signers = sides.map(({ x }) => x)
  const [lo, hi] = sides.map(({ kernel, x, zeta }, i) => {
    const { R, nonce } = kernel.signBegin()
    const lambda = kernel.lagrange(x, signers)
    const zetas = [{ zeta, negative: i === 0 }]
    const { pk, key } = kernel.signKey(good(shares[i]), lambda, epsilon, zetas, label(session))
    return { R, nonce, pk, key, ...kernel.signOpenCorrelated(nonce, key, good(correlations[i])) }
  })
  return [good(lo), good(hi)]
}

/** The checks on R2 of form (b) at party `me`, then its presignature for ΣR. */
export function closeCorrelatedAt(
  me: 0 | 1,
  sides: readonly [Side, Side],
  both: readonly [Correlated, Correlated],
): Handle<'presignature'> {
  const { kernel } = sides[me]
  const { nonce, key, opened } = both[me]
  const omega = label('omega').slice(0, 16)
  const verdict = kernel.signCheckCorrelated(nonce, opened, both[me === 0 ? 1 : 0], omega)
  if (verdict !== 'ok') throw new Error(`refused: ${verdict}`)
  const R = good(kernel.sumPoints(both.map((each) => each.R)))
  return good(unlessFault(kernel.presign(nonce, key, R)))
}

/** A whole signature in form (b). */
export function signCorrelated(
  sides: readonly [Side, Side],
  shares: readonly [Handle<'share'>, Handle<'share'>],
  digest: Uint8Array,
  session: string,
  epsilon: Uint8Array = new Uint8Array(32),
): Signature {
  const both = openCorrelated(sides, shares, correlate(sides, session), session, epsilon)
  const presignatures = [closeCorrelatedAt(0, sides, both), closeCorrelatedAt(1, sides, both)]
  const parts = sides.map(({ kernel }, i) => kernel.online(good(presignatures[i]), digest))
  const { kernel } = sides[0]
  return good(kernel.combine(good(kernel.sumPoints(both.map(({ R }) => R))), parts))
}
