import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import { certificateMessage } from '../../../protocols/keygen/key-certificate.ts'
import { publicHashOf, transcriptOf } from '../../../protocols/sharing/hashes.ts'
import {
  type SignedTranscript,
  signedTwoTranscripts,
} from '../../../protocols/sharing/two-transcripts.ts'
import { NETWORK } from '../../support/run-keygen.ts'
import { seeded } from '../../support/seeded.ts'

const random = seeded('two transcripts')
const secret = random(32)
const mallory = ed25519.getPublicKey(secret)
const verifies = (transcript: Uint8Array, signature: Uint8Array): boolean =>
  ed25519.verify(signature, certificateMessage(NETWORK, transcript), mallory)

/** What mallory signs of a run: another field is another T. */
function signed(sid: Uint8Array, field: Uint8Array, record: Uint8Array): SignedTranscript {
  const [fields, records] = [[field], [record]]
  const transcript = transcriptOf(publicHashOf(sid, fields), records)
  return {
    sid,
    fields,
    records,
    signature: ed25519.sign(certificateMessage(NETWORK, transcript), secret),
  }
}

describe('signedTwoTranscripts()', () => {
  const [sid, field, record, other] = [random(32), random(64), random(32), random(32)]
  const one = signed(sid, field, record)

  it('is so for another public part, and for another key record, of the same run', () => {
    assert.equal(signedTwoTranscripts(one, signed(sid, other, record), verifies), true)
    assert.equal(signedTwoTranscripts(signed(sid, field, other), one, verifies), true)
  })

  it('is not for the same T, for two runs, or without both signatures of the accused', () => {
    assert.equal(signedTwoTranscripts(one, signed(sid, field, record), verifies), false)
    assert.equal(signedTwoTranscripts(one, signed(other, field, record), verifies), false)
    const two = signed(sid, other, record)
    const borrowed = { ...two, signature: one.signature }
    assert.equal(signedTwoTranscripts(one, borrowed, verifies), false)
    assert.equal(signedTwoTranscripts(borrowed, one, verifies), false)
    assert.equal(signedTwoTranscripts(one, { ...two, records: [record, record] }, verifies), false)
  })
})
