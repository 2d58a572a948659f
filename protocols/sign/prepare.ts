import { equalBytes } from '@noble/curves/utils.js'
import { concatBytes } from '@noble/hashes/utils.js'
import type { CorrelationSource } from '../correlations/correlation.ts'
import type { Random } from '../crypto/random.ts'
import type { AnyHandle, Handle, Kernel } from '../kernel/kernel.ts'
import type { PairSetup } from '../pair-setup/set-up-pair.ts'
import { type PartyIndex, ProtocolError } from '../session/faults.ts'
import { type Guest, guestAt, inOrder } from '../session/guest.ts'
import type { Party } from '../session/round.ts'
import { Scratch } from '../session/scratch.ts'
import type { DerivedKey } from './bip32.ts'
import { checkPrefix, checkSession, checkShape, prefixOf, usable } from './checks.ts'
import type { SignRun } from './form.ts'
import { fromCorrelations } from './from-correlations.ts'
import { commitmentTo, sid1Of } from './hashes.ts'
import { inFull } from './in-full.ts'

/** Key, signers and setups of a signature. */
export interface SigningSet {
  readonly networkId: Uint8Array
  readonly epochId: Uint8Array
  /** P, the generated key. */
  readonly keyPublic: Uint8Array
  /** P' and its tweak below P; `derive(P, cc, [])` for P itself. */
  readonly derived: DerivedKey
  /** My share of P; it stays the caller's. */
  readonly share: Handle<'share'>
  /** Exactly t signers, me included. */
  readonly guests: readonly Guest[]
  /** My setup with each other signer. */
  readonly pairs: ReadonlyMap<PartyIndex, PairSetup>
}

/** Form (a) or (b) of 02 §6: the same one at every signer, and part of the instanceId. */
export type SigningForm =
  | { readonly form: 'full' }
  | { readonly form: 'correlated'; readonly correlations: CorrelationSource }

/** What a signature needs before its digest is known. */
export type PresignInputs = SigningSet & SigningForm

/** R1 to R2 done and checked: all but the digest. */
export interface Prepared {
  readonly sid1: Uint8Array
  readonly R: Uint8Array
  /** The caller's from here on: u_i, v_i and φ_i. */
  readonly presignature: Handle<'presignature'>
}

/**
 * Rounds R1 to R2 of form (a) or (b) with all their checks (02 §6.1, §6.2). The numbers are the
 * specification's. Throws `ProtocolError`; then no secret of the run is left. A fault of kind `cote`,
 * `mu`, `check1` or `check2` has closed the pair's gate before it is thrown.
 */
export async function prepare(
  party: Party,
  kernel: Kernel,
  random: Random,
  inputs: PresignInputs,
): Promise<Prepared> {
  const { me, instanceId } = party
  const { derived, share, pairs, epochId } = inputs
  const signers = inOrder(inputs.guests)
  const others = signers.filter(({ index }) => index !== me)
  const mine = guestAt(signers, me)
  checkInputs(party, kernel, inputs)
  const pairWith = (peer: PartyIndex, round: string) => usable(pairs, peer, epochId, round)
  const scratch = new Scratch<AnyHandle>((handle) => kernel.wipe(handle))
  const run: SignRun = { party, kernel, random, mine, others, scratch, pairWith }
  const steps =
    inputs.form === 'correlated' ? fromCorrelations(run, inputs.correlations) : inFull(run)
  const { commitRound, openRound } = steps
  try {
    // R1. Promise a nonce point; say which setups I am about to use, and in form (b) which correlations.
    const prefixes = others.map(({ index }) => prefixOf(pairWith(index, commitRound)))
    const { R: myR, nonce } = kernel.signBegin()
    scratch.hold(nonce)
    const blind = random(32)
    const commitOf = await steps.commit({
      nonce: random(32),
      commitment: commitmentTo(instanceId, mine.id, myR, blind, kernel.oracle),
      prefixes: concatBytes(...prefixes),
    })
    for (const guest of others) {
      const position = signers.filter(({ index }) => index !== guest.index).indexOf(mine)
      const pair = pairWith(guest.index, commitRound)
      checkPrefix(commitRound, guest.index, commitOf(guest), position, pair)
    }
    const sid1 = sid1Of(instanceId, steps.form, signers, commitOf, kernel.oracle)

    // R1b of form (a): my choices as Bob. Form (b): everyone named what I hold.
    await steps.begin(sid1)

    // My key share for this signer set: sk_i = λ(s_i + ε) + ζ_i, never the same twice.
    const lambda = kernel.lagrange(
      me,
      signers.map(({ index }) => index),
    )
    const zetas = others.map(({ index }) => {
      const { zeta } = pairWith(index, commitRound)
      return { zeta, negative: index > me }
    })
    const { pk, key } = kernel.signKey(share, lambda, derived.epsilon, zetas, sid1)
    scratch.hold(key)

    // R2. R_i opened, and my inputs as Alice of each pair.
    const openedBy = await steps.open({ sid1, blind, R: myR, pk }, nonce, key)

    // Checks 2 to 4 of everyone come first: none of them looks at a secret, so nobody can be framed.
    for (const guest of others) {
      const { index, id } = guest
      const opened = openedBy(index)
      checkShape(kernel, openRound, index, opened)
      checkSession(openRound, index, opened.opening.sid1, sid1)
      const promise = commitmentTo(
        instanceId,
        id,
        opened.opening.R,
        opened.opening.blind,
        kernel.oracle,
      )
      if (!equalBytes(promise, commitOf(guest).commitment))
        throw new ProtocolError({ kind: 'commitment', round: openRound, from: index })
    }

    // Checks 5 and 6: the peer multiplied honestly, with the R and pk that it opened.
    for (const { index } of others) steps.check(index, nonce)

    // Check 3: the key shares add up to P'. Check 8: the nonce is one.
    const openings = others.map(({ index }) => openedBy(index).opening)
    const sum = kernel.sumPoints([pk, ...openings.map((opening) => opening.pk)])
    if (sum === undefined || !equalBytes(sum, derived.publicKey))
      throw new ProtocolError({ kind: 'sum', round: openRound })
    const R = kernel.sumPoints([myR, ...openings.map((opening) => opening.R)])
    if (R === undefined) throw new ProtocolError({ kind: 'signature', round: openRound })
    const presignature = kernel.presign(scratch.spend(nonce), scratch.spend(key), R)
    if (presignature === 'signature')
      throw new ProtocolError({ kind: 'signature', round: openRound })
    return { sid1, R, presignature }
  } finally {
    scratch.wipe()
  }
}

/** What the caller has to get right; a mistake here is a defect, not a fault of a party. */
function checkInputs(
  { me, everyone }: Party,
  kernel: Kernel,
  { guests, derived, keyPublic }: SigningSet,
): void {
  const indices = inOrder(guests).map(({ index }) => index)
  if (indices.length < 2 || indices.join() !== everyone.join() || !indices.includes(me))
    throw new Error('bug: the signers are not the participants')
  const tweaked = kernel.tweakPoint(keyPublic, derived.epsilon)
  if (tweaked === undefined || !equalBytes(tweaked, derived.publicKey))
    throw new Error('bug: the derived key is not below this key')
}
