import { deepEqual, equal, throws } from 'node:assert/strict'
import fc from 'fast-check'
import {
  decodeAbort,
  encodeAbort,
  faultOfAbort,
} from '../../../../enclave-runtime/guest/sessions/abort-kinds.ts'
import { DecodeError } from '../../../../protocols/session/codec.ts'
import { FORMS } from '../../../../protocols/session/instance.ts'

const round = 'sign/1b-extend'

describe('the body of an abort', () => {
  it('is a kind and a party, and the party is only that of a timeout', () => {
    deepEqual([...encodeAbort({ kind: 'cancelled', round })], [1, 0, 0])
    deepEqual([...encodeAbort({ kind: 'timeout', round, missing: [0x0203, 4] })], [2, 3, 2])
    deepEqual([...encodeAbort({ kind: 'timeout', round, missing: [] })], [2, 0, 0])
    deepEqual([...encodeAbort({ kind: 'malformed', round, from: 3, reason: 'x' })], [4, 0, 0])
    deepEqual([...encodeAbort({ kind: 'timeout', round, missing: [3] }, 'aborted')], [0, 0, 0])
  })

  it('says nothing of a check over oblivious transfer, nor of our own state', () => {
    for (const kind of ['cote', 'mu', 'check1', 'check2'] as const)
      deepEqual([...encodeAbort({ kind, round, from: 3 })], [0, 0, 0])
    for (const kind of ['own-share', 'kernel'] as const)
      deepEqual([...encodeAbort({ kind, reason: 'x' })], [0, 0, 0])
  })

  it('has one encoding, and everything else is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5 }), (body) => {
        const [kind = 0, low = 0, high = 0] = body
        const good = body.length === 3 && kind <= 17 && (kind === 2 || (low === 0 && high === 0))
        if (!good) throws(() => decodeAbort(body), DecodeError)
        else equal(decodeAbort(body).missing, low + 256 * high || undefined)
      }),
      { seed: 11 },
    )
  })

  it('tells lo what is held here, after a name that is not', () => {
    const bootId = new Uint8Array(16).fill(7)
    const holdings = { bootId, batches: [1, 0xffff_ffff] }
    const fault = { kind: 'corr-unknown', round, from: 3 } as const
    const body = encodeAbort(fault, undefined, holdings)
    equal(body.length, 3 + 16 + 1 + 8)
    deepEqual(decodeAbort(body), { kind: 'corr-unknown', missing: undefined, holdings })
    deepEqual(decodeAbort(encodeAbort(fault)), { kind: 'corr-unknown', missing: undefined })
    throws(() => decodeAbort(body.subarray(0, -1)), DecodeError)
    throws(() => decodeAbort(Uint8Array.of(...body, 0)), DecodeError)
    const batches = Array.from({ length: 65 }, (_, batchNo) => batchNo)
    throws(() => decodeAbort(encodeAbort(fault, undefined, { bootId, batches })), DecodeError)
    deepEqual([...encodeAbort({ kind: 'sum', round }, undefined, holdings)], [16, 0, 0])
  })

  it('is believed for what the sender says of itself, and for nothing else', () => {
    const kindOf = (kind: Parameters<typeof faultOfAbort>[0]) => faultOfAbort(kind, 2, round)
    deepEqual(kindOf('generation'), { kind: 'generation', round, from: 2 })
    deepEqual(kindOf('refused'), { kind: 'refused', round, from: 2 })
    for (const kind of ['timeout', 'malformed', 'equivocation', 'commitment', 'aborted'] as const)
      deepEqual(kindOf(kind), { kind: 'cancelled', round })
  })

  it('says that something is unknown only where it is used', () => {
    const forms = [FORMS.full, FORMS.correlated, FORMS.presigned, FORMS.none]
    const kinds = (kind: 'corr-unknown' | 'presig-unknown') =>
      forms.map((form) => faultOfAbort(kind, 2, round, form).kind)
    deepEqual(kinds('corr-unknown'), ['cancelled', 'corr-unknown', 'cancelled', 'cancelled'])
    deepEqual(kinds('presig-unknown'), ['cancelled', 'cancelled', 'presig-unknown', 'cancelled'])
  })
})
