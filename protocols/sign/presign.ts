import { equalBytes } from '@noble/curves/utils.js'
import { concatBytes } from '@noble/hashes/utils.js'
import type { Random } from '../crypto/random.ts'
import type { AnyHandle, Handle, Kernel } from '../kernel/kernel.ts'
import { pairRoles } from '../ot/pair-roles.ts'
import { rvoleSid } from '../ot/session-ids.ts'
import type { PairSetup } from '../pair-setup/set-up-pair.ts'
import { type PartyIndex, ProtocolError } from '../session/faults.ts'
import { type Guest, guestAt, inOrder } from '../session/guest.ts'
import type { Party } from '../session/round.ts'
import { Scratch } from '../session/scratch.ts'
import type { DerivedKey } from './bip32.ts'
import {
  ban,
  checkPrefix,
  checkSession,
  checkShape,
  malformed,
  prefixOf,
  usable,
} from './checks.ts'
import { commitmentTo, presignatureIdOf, sid1Of } from './hashes.ts'
import { rounds } from './messages.ts'

/** What a signature needs before its digest is known. */
export interface PresignInputs {
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

/** R1 to R2 done and checked: all but the digest. */
export interface Prepared {
  readonly sid1: Uint8Array
  readonly R: Uint8Array
  /** The caller's from here on: u_i, v_i and φ_i. */
  readonly presignature: Handle<'presignature'>
}

/**
 * Rounds R1, R1b and R2 of form (a) with all their checks (02 §6.1, §6.2). The numbers are the
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
  const { commit, extend, multiply } = rounds(signers.length)
  const pairWith = (peer: PartyIndex, round: string) => usable(pairs, peer, epochId, round)
  const scratch = new Scratch<AnyHandle>((handle) => kernel.wipe(handle))
  try {
    // R1. Promise a nonce point, and say which setups I am about to use.
    const prefixes = others.map(({ index }) => prefixOf(pairWith(index, commit.name)))
    const { R: myR, nonce } = kernel.signBegin()
    scratch.hold(nonce)
    const blind = random(32)
    const myCommit = {
      nonce: random(32),
      commitment: commitmentTo(instanceId, mine.id, myR, blind),
      prefixes: concatBytes(...prefixes),
    }
    const commits = await party.publish(commit, myCommit)
    for (const { index } of others) {
      const position = signers.filter((signer) => signer.index !== index).indexOf(mine)
      const pair = pairWith(index, commit.name)
      checkPrefix(commit.name, index, commits.from(index), position, pair)
    }
    const commitOf = ({ index }: Guest) => (index === me ? myCommit : commits.from(index))
    const sid1 = sid1Of(instanceId, signers, commitOf)

    // R1b. As Bob of each pair: my random b, hidden in m1.
    const choices = new Map<PartyIndex, Handle<'choice'>>()
    const m1s = new Map<PartyIndex, Uint8Array>()
    for (const { index } of others) {
      const { setupId, bob, lo } = pairWith(index, extend.name)
      const { m1, choice } = kernel.rvoleBob(bob, rvoleSid(sid1, setupId, 0, pairRoles(lo).asBob))
      choices.set(index, scratch.hold(choice))
      m1s.set(index, m1)
    }
    const extended = await party.deal(extend, (to) => ({ sid1, m1: of(m1s, to) }))
    for (const { index } of others)
      checkSession(extend.name, index, extended.from(index).sid1, sid1)

    // My key share for this signer set: sk_i = λ(s_i + ε) + ζ_i, never the same twice.
    const lambda = kernel.lagrange(
      me,
      signers.map(({ index }) => index),
    )
    const zetas = others.map(({ index }) => {
      const { zeta } = pairWith(index, extend.name)
      return { zeta, negative: index > me }
    })
    const { pk, key } = kernel.signKey(share, lambda, derived.epsilon, zetas, sid1)
    scratch.hold(key)

    // R2. As Alice of each pair: r_i and sk_i go in, but only once the peer's m1 has passed.
    const products = new Map<PartyIndex, Handle<'alice-product'>>()
    const answers = new Map<PartyIndex, Uint8Array>()
    for (const { index } of others) {
      const pair = pairWith(index, extend.name)
      const sid = rvoleSid(sid1, pair.setupId, 0, pairRoles(pair.lo).asAlice)
      const { m1 } = extended.from(index)
      const multiplied = kernel.rvoleAlice(pair.alice, sid, m1, { nonce, key })
      if (multiplied === 'malformed') throw malformed(extend.name, index, 'no m1')
      if (multiplied === 'cote') throw ban('cote', extend.name, index, pair)
      products.set(index, scratch.hold(multiplied.product))
      answers.set(index, multiplied.m2)
    }
    const openings = await party.deal(multiply, (to) => ({
      sid1,
      blind,
      R: myR,
      pk,
      ...kernel.signOpen(nonce, of(products, to), of(choices, to)),
      m2: of(answers, to),
    }))

    // Checks 2 to 4 of everyone come first: none of them looks at a secret, so nobody can be framed.
    for (const { index, id } of others) {
      const opening = openings.from(index)
      checkShape(kernel, multiply.name, index, opening)
      checkSession(multiply.name, index, opening.sid1, sid1)
      const promise = commitmentTo(instanceId, id, opening.R, opening.blind)
      if (!equalBytes(promise, commits.from(index).commitment))
        throw new ProtocolError({ kind: 'commitment', round: multiply.name, from: index })
    }

    // Checks 5 and 6: the peer multiplied honestly, with the R and pk that it opened.
    for (const { index } of others) {
      const opening = openings.from(index)
      const pair = pairWith(index, multiply.name)
      const finished = kernel.rvoleBobFinish(scratch.spend(of(choices, index)), opening.m2)
      if (finished === 'malformed') throw malformed(multiply.name, index, 'no m2')
      if (finished === 'mu') throw ban('mu', multiply.name, index, pair)
      scratch.hold(finished)
      const omega = random(16) // drawn after the peer's R2 came, never sent
      const product = scratch.spend(of(products, index))
      const received = scratch.spend(finished)
      const verdict = kernel.signCheck(nonce, product, received, opening, omega)
      if (verdict === 'malformed') throw malformed(multiply.name, index, 'no opening')
      if (verdict !== 'ok') throw ban(verdict, multiply.name, index, pair)
    }

    // Check 3: the key shares add up to P'. Check 8: the nonce is one.
    const sum = kernel.sumPoints([pk, ...others.map(({ index }) => openings.from(index).pk)])
    if (sum === undefined || !equalBytes(sum, derived.publicKey))
      throw new ProtocolError({ kind: 'sum', round: multiply.name })
    const R = kernel.sumPoints([myR, ...others.map(({ index }) => openings.from(index).R)])
    if (R === undefined) throw new ProtocolError({ kind: 'signature', round: multiply.name })
    const presignature = kernel.presign(scratch.spend(nonce), scratch.spend(key), R)
    if (presignature === 'signature')
      throw new ProtocolError({ kind: 'signature', round: multiply.name })
    return { sid1, R, presignature }
  } finally {
    scratch.wipe()
  }
}

/**
 * A signature but for its digest, bound to one key, path and signer set (02 §6.3). In memory only, and
 * taken at most once.
 */
export class Presignature {
  readonly id: Uint8Array
  readonly keyId: Uint8Array
  readonly derived: DerivedKey
  readonly signers: readonly PartyIndex[]
  readonly R: Uint8Array
  #secret: Handle<'presignature'> | undefined

  constructor(
    { sid1, R, presignature }: Prepared,
    { derived, guests, keyId }: Omit<PresignInputs, 'pairs'> & { readonly keyId: Uint8Array },
  ) {
    this.id = presignatureIdOf(sid1, R)
    this.keyId = keyId
    this.derived = derived
    this.signers = inOrder(guests).map(({ index }) => index)
    this.R = R
    this.#secret = presignature
  }

  /** Taking is removing, in one step: nobody takes it twice. */
  take(): Handle<'presignature'> | undefined {
    const secret = this.#secret
    this.#secret = undefined
    return secret
  }
}

/** Form (a) stopped before R3. `keyId` goes into the online session's id. */
export const presign = async (
  party: Party,
  kernel: Kernel,
  random: Random,
  inputs: PresignInputs & { readonly keyId: Uint8Array },
): Promise<Presignature> => new Presignature(await prepare(party, kernel, random, inputs), inputs)

/** What the caller has to get right; a mistake here is a defect, not a fault of a party. */
function checkInputs(
  { me, everyone }: Party,
  kernel: Kernel,
  { guests, derived, keyPublic }: PresignInputs,
): void {
  const indices = inOrder(guests).map(({ index }) => index)
  if (indices.length < 2 || indices.join() !== everyone.join() || !indices.includes(me))
    throw new Error('bug: the signers are not the participants')
  const tweaked = kernel.tweakPoint(keyPublic, derived.epsilon)
  if (tweaked === undefined || !equalBytes(tweaked, derived.publicKey))
    throw new Error('bug: the derived key is not below this key')
}

function of<T>(map: ReadonlyMap<PartyIndex, T>, party: PartyIndex): T {
  const found = map.get(party)
  if (found === undefined) throw new Error(`bug: nothing for party ${party}`)
  return found
}
