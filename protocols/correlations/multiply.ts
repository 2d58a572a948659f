import { concatBytes } from '@noble/hashes/utils.js'
import type { Breathe } from '../crypto/breathe.ts'
import type { AnyHandle, Handle, Kernel } from '../kernel/kernel.ts'
import { pairRoles } from '../ot/pair-roles.ts'
import { rvoleSid } from '../ot/session-ids.ts'
import { M1_BYTES, M2_BYTES } from '../ot/sizes.ts'
import type { PairSetup } from '../pair-setup/set-up-pair.ts'
import type { Scratch } from '../session/scratch.ts'
import { ban, checkOpen, malformed, type Place } from './checks.ts'
import { itemOf } from './messages.ts'

/** What the steps of one batch work with. */
export interface BatchRun {
  readonly kernel: Kernel
  readonly pair: PairSetup
  readonly epochId: Uint8Array
  readonly batchSid: Uint8Array
  /** N. */
  readonly count: number
  /** Holds every secret of the run. */
  readonly scratch: Scratch<AnyHandle>
  /** After every item: no more than one multiplication is done in a turn. */
  readonly breathe: Breathe
}

/** As Bob: N choices b, hidden in N m1. */
export async function choose(
  { kernel, pair, epochId, batchSid, count, scratch, breathe }: BatchRun,
  place: Place,
): Promise<{ m1s: Uint8Array; choices: readonly Handle<'choice'>[] }> {
  const { asBob } = pairRoles(pair.lo)
  const m1s: Uint8Array[] = []
  const choices: Handle<'choice'>[] = []
  for (let k = 0; k < count; k++) {
    checkOpen(pair, epochId, place)
    const sid = rvoleSid(batchSid, pair.setupId, k, asBob, kernel.oracle)
    const { m1, choice } = kernel.rvoleBob(pair.bob, sid)
    m1s.push(m1)
    choices.push(scratch.hold(choice))
    await breathe()
  }
  return { m1s: concatBytes(...m1s), choices }
}

/**
 * As Alice: the COTe check of each m1, and N answers with random factors. From the question at the gate to
 * the verdict that closes it nothing else runs (02 §2.8). No answer leaves before this returned.
 */
export async function answer(
  { kernel, pair, epochId, batchSid, count, scratch, breathe }: BatchRun,
  m1s: Uint8Array,
  place: Place,
): Promise<{ m2s: Uint8Array; products: readonly Handle<'alice-product'>[] }> {
  const { asAlice } = pairRoles(pair.lo)
  const m2s: Uint8Array[] = []
  const products: Handle<'alice-product'>[] = []
  for (let k = 0; k < count; k++) {
    checkOpen(pair, epochId, place)
    const sid = rvoleSid(batchSid, pair.setupId, k, asAlice, kernel.oracle)
    const answered = kernel.rvoleAlice(pair.alice, sid, itemOf(m1s, k, M1_BYTES))
    if (answered === 'malformed') throw malformed(place, 'no m1')
    if (answered === 'cote') throw ban('cote', pair, place)
    m2s.push(answered.m2)
    products.push(scratch.hold(answered.product))
    await breathe()
  }
  return { m2s: concatBytes(...m2s), products }
}

/** As Bob: the μ check of each m2, and both directions of each correlation together. */
export async function finish(
  { kernel, pair, epochId, scratch, breathe }: BatchRun,
  choices: readonly Handle<'choice'>[],
  products: readonly Handle<'alice-product'>[],
  m2s: Uint8Array,
  place: Place,
): Promise<readonly Handle<'correlation'>[]> {
  const packed: Handle<'correlation'>[] = []
  for (const [k, choice] of choices.entries()) {
    checkOpen(pair, epochId, place)
    const m2 = itemOf(m2s, k, M2_BYTES)
    const received = kernel.rvoleBobFinish(scratch.spend(choice), m2)
    if (received === 'malformed') throw malformed(place, 'no m2')
    if (received === 'mu') throw ban('mu', pair, place)
    scratch.hold(received)
    const product = products[k]
    if (product === undefined) throw new Error('bug: a choice without a product')
    packed.push(scratch.hold(kernel.corrPack(scratch.spend(product), scratch.spend(received))))
    await breathe()
  }
  return packed
}
