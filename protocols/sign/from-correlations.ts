import { concatBytes } from '@noble/hashes/utils.js'
import type { Correlation, CorrelationSource } from '../correlations/correlation.ts'
import type { Handle } from '../kernel/kernel.ts'
import { type PartyIndex, ProtocolError } from '../session/faults.ts'
import { type Guest, guestAt, inOrder, isLess } from '../session/guest.ts'
import { FORMS } from '../session/instance.ts'
import { Received } from '../session/round.ts'
import { ban, malformed } from './checks.ts'
import { type FormSteps, of, type SignRun } from './form.ts'
import { CORRELATION_ID_BYTES, type Name, type Open, rounds } from './messages.ts'

/**
 * Form (b): the multiplications happened before, with random factors, and R2 publishes the differences (02
 * §4.1, §6.1). Whatever is named or taken is spent, also when the run fails at once.
 */
export function fromCorrelations(
  { party, kernel, random, mine, others, scratch, pairWith }: SignRun,
  source: CorrelationSource,
): FormSteps {
  const signers = inOrder([mine, ...others])
  const { name, open } = rounds(signers.length)
  const taken = new Map<PartyIndex, Handle<'correlation'>>()
  const left = new Map<PartyIndex, Handle<'opened'>>()
  let names: Received<Name> = new Received(new Map())
  let openings: Received<Open> = new Received(new Map())
  const take = (peer: PartyIndex, { secret }: Correlation): void => {
    scratch.hold(secret)
    taken.set(peer, secret)
  }
  return {
    form: FORMS.correlated,
    commitRound: name.name,
    openRound: open.name,

    // R1. lo of each pair names a correlation; hi takes it as the name comes in.
    async commit(own) {
      const ids = hisOf(mine, signers).map(({ index }) => {
        const named = source.name(index)
        if (named === undefined) throw unknown(name.name, mine.index)
        take(index, named)
        return named.id
      })
      const myName = { ...own, correlationIds: concatBytes(...ids) }
      names = await party.publish(name, myName, ({ correlationIds }, from) => {
        const at = hisOf(guestAt(signers, from), signers).indexOf(mine)
        for (const [i, id] of idsOf(correlationIds).entries()) {
          const isOurs = i === at && !taken.has(from)
          const named = source.named(from, id, isOurs)
          if (named === undefined) continue
          if (isOurs) take(from, named)
          else kernel.wipe(named.secret) // a name is spent even where it does not belong
        }
      })
      for (const guest of others) {
        const { correlationIds } = names.from(guest.index)
        if (correlationIds.length !== CORRELATION_ID_BYTES * hisOf(guest, signers).length)
          throw malformed(name.name, guest.index, 'names for other pairs')
      }
      return ({ index }) => (index === mine.index ? myName : names.from(index))
    },

    // Every pair has its correlation before anything secret is computed.
    async begin() {
      for (const { index } of others) if (!taken.has(index)) throw unknown(name.name, index)
    },

    // R2. r_i and sk_i go in as differences; from here on each correlation is open.
    async open(own, nonce, key) {
      const parts = new Map(
        others.map(({ index }) => {
          pairWith(index, open.name)
          const correlation = scratch.spend(of(taken, index))
          const { opened, ...part } = kernel.signOpenCorrelated(nonce, key, correlation)
          left.set(index, scratch.hold(opened))
          return [index, part] as const
        }),
      )
      openings = await party.deal(open, (to) => ({ ...own, ...of(parts, to) }))
      return (peer) => {
        const opening = openings.from(peer)
        return { opening, scalars: concatBytes(opening.deltaU, opening.deltaV) }
      }
    },

    check(peer, nonce) {
      const opening = openings.from(peer)
      const pair = pairWith(peer, open.name)
      const omega = random(16) // drawn after the peer's R2 came, never sent
      const opened = scratch.spend(of(left, peer))
      const verdict = kernel.signCheckCorrelated(nonce, opened, opening, omega)
      if (verdict === 'malformed') throw malformed(open.name, peer, 'no opening')
      if (verdict !== 'ok') throw ban(verdict, open.name, peer, pair)
    },
  }
}

/** Those of whose pairs with `lo` it is the lo, in order of their indices. */
const hisOf = (lo: Guest, signers: readonly Guest[]): Guest[] =>
  signers.filter((guest) => guest.index !== lo.index && isLess(lo.id, guest.id))

const idsOf = (list: Uint8Array): Uint8Array[] =>
  Array.from({ length: list.length / CORRELATION_ID_BYTES }, (_, i) =>
    list.subarray(CORRELATION_ID_BYTES * i, CORRELATION_ID_BYTES * (i + 1)),
  )

const unknown = (round: string, from: PartyIndex): ProtocolError =>
  new ProtocolError({ kind: 'corr-unknown', round, from })
