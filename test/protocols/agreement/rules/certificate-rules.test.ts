import assert from 'node:assert/strict'
import type { EpochCert } from '../../../../protocols/agreement/objects/certificates.ts'
import { joinHash } from '../../../../protocols/agreement/objects/join.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import {
  brokenAbortCert,
  brokenEpochCert,
} from '../../../../protocols/agreement/rules/certificate-rules.ts'
import { abortOf, certify, exampleFirst, exampleJoin, exampleNext } from '../example-epochs.ts'

const first = exampleFirst(5, 3)
const base = baseOfRecord(first.record)
const join = exampleJoin(base, 20)
const { cert, record } = exampleNext(base, { kind: 1, joins: [joinHash(join)], t: 4 }, [join])
const other = new Uint8Array(32).fill(0xee)

/** The entries of a list with the one at `at` changed. */
const changed = <T extends object>(entries: readonly T[], at: number, fields: Partial<T>): T[] =>
  entries.map((entry, i) => (i === at ? { ...entry, ...fields } : entry))

const flipped = (bytes: Uint8Array | undefined): Uint8Array =>
  (bytes ?? other).map((byte, i) => (i === 7 ? byte ^ 1 : byte))

describe('the certificate of an epoch', () => {
  it('is READY of all new members and COMMIT of a quorum of the old ones', () => {
    assert.equal(brokenEpochCert(base, cert), undefined)
    assert.equal(brokenEpochCert(first.base, first.cert), undefined)
    assert.equal(brokenEpochCert(base, certify(base, record, 5)), undefined)
  })

  const early = exampleNext(
    base,
    { kind: 1, joins: [joinHash(join)], t: 4, nonce: new Uint8Array(16) },
    [join],
  )
  const BROKEN: Record<string, [fields: Partial<EpochCert>, rule: string, reason: RegExp]> = {
    'with another record': [
      { record: { ...record, keyCount: 99 } },
      'ready',
      /member 1 is not its own/,
    ],
    'of a record that breaks a rule': [
      { record: { ...record, rootKey: new Uint8Array(33) } },
      'R2',
      /rootKey/,
    ],
    'without READY of one': [{ ready: cert.ready.slice(0, -1) }, 'ready', /member 6 is not ready/],
    'with READY of a stranger': [
      { ready: [...cert.ready, { ...(cert.ready[0] ?? assert.fail()), index: 9, prekey: other }] },
      'ready',
      /no member/,
    ],
    'with READY of another record': [{ ready: early.cert.ready }, 'ready', /not its own/],
    'with another prekey': [
      { ready: changed(cert.ready, 2, { prekey: other }) },
      'ready',
      /member 3/,
    ],
    'with a prekey of small order': [
      { ready: changed(cert.ready, 2, { prekey: new Uint8Array(32) }) },
      'ready',
      /member 3/,
    ],
    'with one prekey twice': [
      { ready: changed(cert.ready, 2, { prekey: cert.ready[1]?.prekey ?? other }) },
      'ready',
      /same prekey/,
    ],
    'with a bad signature of READY': [
      { ready: changed(cert.ready, 5, { signature: flipped(cert.ready[5]?.signature) }) },
      'ready',
      /member 6/,
    ],
    'with a COMMIT too few': [{ commits: cert.commits.slice(1) }, 'commit', /3 of 4/],
    'with COMMITs of another round': [{ round: 2 }, 'commit', /not that of a member/],
    'with COMMITs for another record': [{ commits: early.cert.commits }, 'commit', /not that/],
    'with a COMMIT of a newcomer': [
      { commits: [...cert.commits.slice(1), [6, cert.commits[0]?.[1] ?? other]] },
      'commit',
      /not that of a member/,
    ],
    'with a bad COMMIT too many': [
      { commits: [...cert.commits, [5, new Uint8Array(64)]] },
      'commit',
      /not that of a member/,
    ],
    'with the COMMITs of an ABORT': [
      { commits: abortOf(base, 1).commits, round: 2 },
      'commit',
      /not that/,
    ],
  }
  for (const [name, [fields, rule, reason]] of Object.entries(BROKEN))
    it(`${name} is refused`, () => {
      const broken = brokenEpochCert(base, { ...cert, ...fields })
      assert.equal(broken?.rule, rule, broken?.reason)
      assert.match(broken?.reason ?? '', reason)
    })

  it('stands on its base alone', () => {
    assert.equal(brokenEpochCert(first.base, cert)?.rule, 'R1')
    assert.equal(brokenEpochCert(baseOfRecord(record), cert)?.rule, 'R1')
  })
})

describe('the certificate of an ABORT', () => {
  it('is COMMIT of a quorum for nothing', () => {
    assert.equal(brokenAbortCert(base, abortOf(base, 3)), undefined)
    assert.equal(brokenAbortCert(base, { ...abortOf(base, 3), reason: 'as told' }), undefined)
  })

  it('is refused for another attempt, epoch, committee or value, and without a quorum', () => {
    const abort = abortOf(base, 3)
    for (const [fields, reason] of [
      [{ k: 2 }, /not that/],
      [{ e: 2 }, /epoch 1/],
      [{ committeeId: other }, /committee/],
      [{ round: 3 }, /not that/],
      [{ commits: abort.commits.slice(1) }, /3 of 4/],
      [{ k: 1, round: 1, commits: cert.commits }, /not that/],
    ] as const) {
      const broken = brokenAbortCert(base, { ...abort, ...fields })
      assert.equal(broken?.rule, 'abort')
      assert.match(broken?.reason ?? '', reason)
    }
  })
})
