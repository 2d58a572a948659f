import type { Breathe } from '../crypto/breathe.ts'
import type { Random } from '../crypto/random.ts'
import type { AnyHandle, Handle, Kernel } from '../kernel/kernel.ts'
import { pairBuild, pairReceive } from '../ot/base-ot.ts'
import { pairRoles } from '../ot/pair-roles.ts'
import { pairDirection } from '../ot/session-ids.ts'
import { type Guest, isLess } from '../session/guest.ts'
import type { DirectRound, Party } from '../session/round.ts'
import { Scratch } from '../session/scratch.ts'
import { checkOpening, checkSession, passed } from './checks.ts'
import { PairGate } from './gate.ts'
import { type Both, commitmentTo, pairSidOf, setupIdOf, transcriptOf } from './hashes.ts'
import { rounds } from './messages.ts'

/** One guest's half of a pair setup (02 §2.5). In memory only; the handles belong to whoever holds this. */
export interface PairSetup {
  readonly setupId: Uint8Array
  readonly alice: Handle<'alice'>
  readonly bob: Handle<'bob'>
  readonly zeta: Handle<'zeta'>
  readonly epochId: Uint8Array
  /** I am lo: Alice in direction 0, Bob in direction 1. */
  readonly lo: boolean
  readonly gate: PairGate
}

export interface PairContext {
  readonly networkId: Uint8Array
  readonly epochId: Uint8Array
  /** That of the session (02 §11). */
  readonly attempt: number
  readonly mine: Guest
  readonly theirs: Guest
  /** Between the parts of the two long operations; a rejection ends the run. */
  readonly breathe: Breathe
}

/**
 * The pair setup of 02 §2: oblivious transfers in both directions at once, and the seed of the pair's
 * zero shares. The numbers are the specification's. Throws `ProtocolError`; then no secret is left.
 */
export async function setUpPair(
  party: Party,
  kernel: Kernel,
  random: Random,
  { networkId, epochId, attempt, mine, theirs, breathe }: PairContext,
): Promise<PairSetup> {
  const scratch = new Scratch<AnyHandle>((handle) => kernel.wipe(handle))
  const peer = theirs.index
  const lo = isLess(mine.id, theirs.id)
  const both = <T>(my: T, their: T): Both<T> => (lo ? { lo: my, hi: their } : { lo: their, hi: my })
  const z = random(32)
  try {
    // P1. A nonce, my point as Bob, and a promise of my part of the zero-share seed.
    const { A, sender } = kernel.pairSend()
    scratch.hold(sender)
    const blind = random(32)
    const p1 = { nonce: random(32), A, commitment: commitmentTo(mine.id, z, blind, kernel.oracle) }
    const their1 = await exchange(party, rounds.commit, peer, p1)

    // P2. As Alice I answer the peer's point: one key of each pair will be mine.
    const guests = both(mine.id, theirs.id)
    const pairSid = pairSidOf(networkId, epochId, attempt, guests, both(p1, their1), kernel.oracle)
    const roles = pairRoles(lo)
    const asAlice = pairDirection(pairSid, roles.asAlice, kernel.oracle)
    const asBob = pairDirection(pairSid, roles.asBob, kernel.oracle)
    const answer = await pairReceive(kernel, asAlice, their1.A, breathe)
    const { phi, receiver } = passed(answer, rounds.commit.name, peer, 'A is not a point')
    scratch.hold(receiver)
    const p2 = { pairSid, phi }
    const their2 = await exchange(party, rounds.transfer, peer, p2)
    checkSession(rounds.transfer.name, peer, their2.pairSid, pairSid)

    // P3. As Bob I hold all keys, grow them into 64 trees, and correct the peer's view of them.
    const built = await pairBuild(kernel, scratch.spend(sender), asBob, their2.phi, breathe)
    const { pprf, bob } = passed(built, rounds.transfer.name, peer, 'φ is not 512 points')
    scratch.hold(bob)
    const p3 = { pairSid, pprf, z, blind }
    const their3 = await exchange(party, rounds.open, peer, p3)
    checkSession(rounds.open.name, peer, their3.pairSid, pairSid)
    checkOpening(kernel, peer, theirs.id, their1.commitment, their3)
    const evaluated = kernel.pairEvaluate(scratch.spend(receiver), asAlice, their3.pprf)
    const alice = passed(evaluated, rounds.open.name, peer, 'no PPRF message')
    scratch.hold(alice)

    // P4. Active once both have said the same hash of everything.
    const transcript = transcriptOf(
      both(p1, their1),
      both(p2, their2),
      both(p3, their3),
      kernel.oracle,
    )
    const setupId = setupIdOf(pairSid, transcript, kernel.oracle)
    const seeds = both(z, their3.z)
    const zeta = scratch.hold(kernel.zetaNew(pairSid, seeds.lo, seeds.hi))
    their3.z.fill(0)
    const their4 = await exchange(party, rounds.confirm, peer, { pairSid, transcript })
    checkSession(rounds.confirm.name, peer, their4.pairSid, pairSid)
    checkSession(rounds.confirm.name, peer, their4.transcript, transcript)

    for (const handle of [alice, bob, zeta]) scratch.keep(handle)
    return { setupId, alice, bob, zeta, epochId, lo, gate: new PairGate() }
  } finally {
    scratch.wipe()
    z.fill(0)
  }
}

/** Mine to the peer, the peer's to me: P(k+1) leaves only after the peer's P(k) is in. */
async function exchange<T>(party: Party, round: DirectRound<T>, peer: number, mine: T): Promise<T> {
  const received = await party.deal(round, () => mine)
  return received.from(peer)
}
