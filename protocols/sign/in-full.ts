import type { Handle } from '../kernel/kernel.ts'
import { pairRoles } from '../ot/pair-roles.ts'
import { rvoleSid } from '../ot/session-ids.ts'
import type { PartyIndex } from '../session/faults.ts'
import { FORMS } from '../session/instance.ts'
import { Received } from '../session/round.ts'
import { ban, checkSession, malformed, SCALARS_OF_M2 } from './checks.ts'
import { type FormSteps, of, type SignRun } from './form.ts'
import { type Extend, type Multiply, rounds } from './messages.ts'

const NO_CORRELATIONS = new Uint8Array() // form (a) names none

/** Form (a): both multiplications with every peer happen in the session itself (02 §6.1). */
export function inFull({
  party,
  kernel,
  random,
  mine,
  others,
  scratch,
  pairWith,
}: SignRun): FormSteps {
  const { commit, extend, multiply } = rounds(others.length + 1)
  const choices = new Map<PartyIndex, Handle<'choice'>>()
  const products = new Map<PartyIndex, Handle<'alice-product'>>()
  let extended: Received<Extend> = new Received(new Map())
  let openings: Received<Multiply> = new Received(new Map())
  return {
    form: FORMS.full,
    commitRound: commit.name,
    openRound: multiply.name,

    async commit(own) {
      const commits = await party.publish(commit, own)
      return ({ index }) => ({
        ...(index === mine.index ? own : commits.from(index)),
        correlationIds: NO_CORRELATIONS,
      })
    },

    // R1b. As Bob of each pair: my random b, hidden in m1.
    async begin(sid1) {
      const m1s = new Map<PartyIndex, Uint8Array>()
      for (const { index } of others) {
        const { setupId, bob, lo } = pairWith(index, extend.name)
        const sid = rvoleSid(sid1, setupId, 0, pairRoles(lo).asBob, kernel.oracle)
        const { m1, choice } = kernel.rvoleBob(bob, sid)
        choices.set(index, scratch.hold(choice))
        m1s.set(index, m1)
      }
      extended = await party.deal(extend, (to) => ({ sid1, m1: of(m1s, to) }))
      for (const { index } of others)
        checkSession(extend.name, index, extended.from(index).sid1, sid1)
    },

    // R2. As Alice of each pair: r_i and sk_i go in, but only once the peer's m1 has passed.
    async open(own, nonce, key) {
      const answers = new Map<PartyIndex, Uint8Array>()
      for (const { index } of others) {
        const pair = pairWith(index, extend.name)
        const sid = rvoleSid(own.sid1, pair.setupId, 0, pairRoles(pair.lo).asAlice, kernel.oracle)
        const { m1 } = extended.from(index)
        const multiplied = kernel.rvoleAlice(pair.alice, sid, m1, { nonce, key })
        if (multiplied === 'malformed') throw malformed(extend.name, index, 'no m1')
        if (multiplied === 'cote') throw ban('cote', extend.name, index, pair)
        products.set(index, scratch.hold(multiplied.product))
        answers.set(index, multiplied.m2)
      }
      openings = await party.deal(multiply, (to) => ({
        ...own,
        ...kernel.signOpen(nonce, of(products, to), of(choices, to)),
        m2: of(answers, to),
      }))
      return (peer) => {
        const opening = openings.from(peer)
        return { opening, scalars: opening.m2.subarray(0, SCALARS_OF_M2) }
      }
    },

    check(peer, nonce) {
      const opening = openings.from(peer)
      const pair = pairWith(peer, multiply.name)
      const finished = kernel.rvoleBobFinish(scratch.spend(of(choices, peer)), opening.m2)
      if (finished === 'malformed') throw malformed(multiply.name, peer, 'no m2')
      if (finished === 'mu') throw ban('mu', multiply.name, peer, pair)
      scratch.hold(finished)
      const omega = random(16) // drawn after the peer's R2 came, never sent
      const product = scratch.spend(of(products, peer))
      const received = scratch.spend(finished)
      const verdict = kernel.signCheck(nonce, product, received, opening, omega)
      if (verdict === 'malformed') throw malformed(multiply.name, peer, 'no opening')
      if (verdict !== 'ok') throw ban(verdict, multiply.name, peer, pair)
    },
  }
}
