import assert from 'node:assert/strict'
import { AbortCert } from '../../../../protocols/agreement/objects/certificates.ts'
import { joinHash } from '../../../../protocols/agreement/objects/join.ts'
import type { SignedAnswer } from '../../../../protocols/agreement/objects/proposal.ts'
import { type SignedStart, Start } from '../../../../protocols/agreement/objects/start.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import {
  attemptMs,
  brokenAnswer,
  brokenStart,
  brokenStartTime,
  START_SKEW_MS,
} from '../../../../protocols/agreement/rules/start-rules.ts'
import {
  abortOf,
  exampleAnswers,
  exampleFirst,
  exampleJoin,
  exampleNext,
  exampleStart,
  TIME,
} from '../example-epochs.ts'

const first = exampleFirst(5, 3)
const base = baseOfRecord(first.record)
const join = exampleJoin(base, 20)
const { change, start } = exampleNext(base, { kind: 1, joins: [joinHash(join)], t: 4 }, [join])
const refresh = exampleNext(base)
const other = new Uint8Array(32).fill(0xee)
const answers = start.object.answers
const abort = abortOf(base, 1)

const check = (fields: Partial<Start>, before: AbortCert | null = null) =>
  brokenStart(base, change, exampleStart(base, change, fields), before)

describe('a START', () => {
  it('of a first attempt, of a later one, of a refresh and of the genesis epoch is valid', () => {
    assert.equal(brokenStart(base, change, start, null), undefined)
    const later = { k: 2, abortCertHash: AbortCert.hash(abort) }
    assert.equal(check({ ...later, initiator: 4 }, abort), undefined)
    assert.equal(check({ answers: answers.slice(1), dealers: [2, 4, 5] }), undefined)
    assert.equal(check({ cutCount: 1000 }), undefined)
    const unasked = exampleAnswers(base, refresh.change, { operatorSig: null })
    const easy = exampleStart(base, refresh.change, { answers: unasked })
    assert.equal(brokenStart(base, refresh.change, easy, null), undefined)
    assert.equal(brokenStart(first.base, first.change, first.start, null), undefined)
  })

  const withAnswer = (fields: Partial<SignedAnswer['object']>) => ({
    answers: exampleAnswers(base, change, fields),
  })
  const BROKEN: Record<string, [fields: Partial<Start>, rule: string, reason: RegExp]> = {
    'for another committee': [{ committeeId: other }, 'start', /committee/],
    'for another epoch': [{ e: 2 }, 'start', /epoch 1/],
    'of another proposal': [{ proposalHash: other }, 'start', /proposal/],
    'by nobody': [{ initiator: 6 }, 'start', /no member/],
    'of attempt 2 without the end of attempt 1': [
      { k: 2, abortCertHash: other },
      'start',
      /no certificate/,
    ],
    'with too few dealers': [{ dealers: [1, 2] }, 'start', /dealers/],
    'with too many dealers': [{ dealers: [1, 2, 3, 4] }, 'start', /dealers/],
    'with a stranger as dealer': [{ dealers: [1, 2, 6] }, 'start', /dealers/],
    'with another deadline': [{ deadlineMs: attemptMs(0) + 1 }, 'start', /deadline/],
    'with fewer answers than a quorum': [{ answers: answers.slice(2) }, 'start', /4 answers/],
    'with a no': [withAnswer({ yes: false }), 'answer', /is no$/],
    'with an answer on another base': [withAnswer({ baseHash: other }), 'answer', /base/],
    'with an answer of another committee': [
      withAnswer({ committeeId: other }),
      'answer',
      /committee/,
    ],
    'with an answer to another proposal': [
      withAnswer({ proposalHash: other }),
      'answer',
      /proposal/,
    ],
    'without the operators': [withAnswer({ operatorSig: null }), 'answer', /its operator/],
    'with a wrong operator': [
      withAnswer({ operatorSig: answers[0]?.object.operatorSig ?? null }),
      'answer',
      /answer of 2 is not signed by its operator/,
    ],
    'with a stranger among the answers': [
      {
        answers: exampleAnswers(
          { ...base, members: first.base.members.map((m) => ({ ...m, index: m.index + 5 })) },
          change,
        ),
      },
      'answer',
      /not a member/,
    ],
  }
  for (const [name, [fields, rule, reason]] of Object.entries(BROKEN))
    it(`${name} is refused`, () => {
      const broken = check(fields)
      assert.equal(broken?.rule, rule, broken?.reason)
      assert.match(broken?.reason ?? '', reason)
    })

  it('with the signature of another member, or an answer with one, is refused', () => {
    const byAnother = exampleStart(base, change, { initiator: 2 }).signature
    const forged: SignedStart = { ...start, signature: byAnother }
    assert.match(brokenStart(base, change, forged, null)?.reason ?? '', /its initiator/)
    const [one, two, ...rest] = answers
    assert.ok(one !== undefined && two !== undefined)
    const swapped = [one, { ...two, signature: one.signature }, ...rest]
    assert.match(
      check({ answers: swapped })?.reason ?? '',
      /answer of 2 is not signed by its guest/,
    )
  })

  it('names the certificate of the attempt before it, and no other', () => {
    const k2 = (cert: AbortCert) => ({ k: 2, abortCertHash: AbortCert.hash(cert) })
    const reworded = { ...abort, reason: 'something else' }
    assert.match(check(k2(reworded), abort)?.reason ?? '', /another certificate/)
    const second = abortOf(base, 2)
    assert.match(check(k2(second), second)?.reason ?? '', /attempt before/)
    const elsewhere = { ...abort, e: 3 }
    assert.match(check(k2(elsewhere), elsewhere)?.reason ?? '', /attempt before/)
    assert.match(check({}, abort)?.reason ?? '', /another certificate/)
  })

  it('of the genesis epoch needs all answers with their operators, and all members as dealers', () => {
    const start = (fields: Partial<Start>) =>
      brokenStart(first.base, first.change, exampleStart(first.base, first.change, fields), null)
    const all = exampleAnswers(first.base, first.change)
    assert.match(start({ answers: all.slice(1) })?.reason ?? '', /5 answers/)
    assert.match(start({ dealers: [1, 2, 3] })?.reason ?? '', /dealers are not 5/)
    const unsigned = exampleAnswers(first.base, first.change, { operatorSig: null })
    assert.match(start({ answers: unsigned })?.reason ?? '', /its operator/)
  })

  it('is of about now (R10)', () => {
    for (const [time, rule] of [
      [TIME - START_SKEW_MS, undefined],
      [TIME + START_SKEW_MS, undefined],
      [TIME - START_SKEW_MS - 1, 'R10'],
      [TIME + START_SKEW_MS + 1, 'R10'],
    ] as const)
      assert.equal(brokenStartTime({ ...start.object, createdAt: time }, TIME)?.rule, rule)
  })

  it('has more time the more keys there are', () => {
    assert.equal(attemptMs(0), 120_000)
    assert.equal(attemptMs(10_000), 420_000)
  })

  it('of attempt 1 names no certificate, of another always one', () => {
    assert.throws(() => Start.encode({ ...start.object, abortCertHash: other }), /ABORT/)
    assert.throws(() => Start.encode({ ...start.object, k: 2 }), /ABORT/)
  })
})

describe('an answer', () => {
  it('that says no counts without its operator, and a signature of one is checked all the same', () => {
    const [no] = exampleAnswers(base, change, { yes: false, operatorSig: null })
    const [odd] = exampleAnswers(base, change, { yes: false, operatorSig: new Uint8Array(64) })
    assert.ok(no !== undefined && odd !== undefined)
    assert.equal(brokenAnswer(base, change, no), undefined)
    assert.match(brokenAnswer(base, change, odd)?.reason ?? '', /its operator/)
  })
})
