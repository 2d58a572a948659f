import { deepEqual } from 'node:assert/strict'
import { encodeAbort } from '../../../../enclave-runtime/guest/sessions/abort-kinds.ts'
import type { Heard } from '../../../../enclave-runtime/guest/sessions/answers.ts'
import { leadFailure } from '../../../../enclave-runtime/guest/sessions/lead-reply.ts'
import type { Post } from '../../../../enclave-runtime/guest/sessions/post.ts'
import { Session } from '../../../../enclave-runtime/guest/sessions/session.ts'
import { KernelFull } from '../../../../protocols/kernel/kernel.ts'
import { type Fault, ProtocolError } from '../../../../protocols/session/faults.ts'
import { KINDS } from '../../../../protocols/session/instance.ts'
import { MESSAGE_TYPES } from '../../../../protocols/session/numbers.ts'

const ME = 1
const round = 'sign/2-multiply'
const nothing: Heard = { notYet: [], refused: [] }

const running = (): Session =>
  new Session(
    {
      kind: KINDS.signature,
      instanceId: new Uint8Array(32),
      attempt: 0,
      everyone: [ME, 2, 4],
      deadlineMs: 4000,
    },
    ME,
    {} as Post,
    0,
  )

/** What the host of the leader learns when party `from` aborts with `fault`. */
function afterAbort(from: number, fault: Fault, heard = nothing) {
  const session = running()
  const type = MESSAGE_TYPES.abort
  const body = encodeAbort(fault)
  session.take(from, { session: new Uint8Array(32), attempt: 0, round: 0, type, body })
  const { fault: ended } = session
  if (ended === undefined) throw new Error('the session runs on')
  const reply = leadFailure(new ProtocolError(ended), heard, session)
  if (reply.kind !== 'failed') throw new Error(`the reply is ${reply.kind}`)
  return [reply.fault, reply.parties]
}

describe('the reply of a leader whose attempt failed', () => {
  it('names who ended the session', () => {
    deepEqual(afterAbort(4, { kind: 'cancelled', round }), ['cancelled', [4]])
    deepEqual(afterAbort(2, { kind: 'mu', round, from: ME }), ['cancelled', [2]])
    deepEqual(afterAbort(4, { kind: 'malformed', round, from: 2, reason: 'x' }), ['cancelled', [4]])
  })

  it('names whom that party waited for, and the party itself when it waited for the leader', () => {
    deepEqual(afterAbort(4, { kind: 'timeout', round, missing: [2] }), ['cancelled', [2]])
    deepEqual(afterAbort(4, { kind: 'timeout', round, missing: [ME] }), ['cancelled', [4]])
    deepEqual(afterAbort(4, { kind: 'timeout', round, missing: [] }), ['cancelled', [4]])
    deepEqual(afterAbort(4, { kind: 'timeout', round, missing: [9] }), ['cancelled', [4]])
  })

  it('is overloaded, and names nobody, where the kernel had no room', () => {
    const cause = new KernelFull('no room')
    const error = new ProtocolError({ kind: 'cancelled', round }, { cause })
    deepEqual(leadFailure(error, nothing, running()), {
      ...{ kind: 'failed', fault: 'overloaded', parties: [], retryAfterMs: 500, ids: [] },
    })
  })

  it('names whom its own findings name, and nobody where the end was its own doing', () => {
    const reply = (fault: Fault) => {
      const session = running()
      session.end(fault)
      const told = leadFailure(new ProtocolError(fault), nothing, session)
      return told.kind === 'failed' && [told.fault, told.parties]
    }
    deepEqual(reply({ kind: 'timeout', round, missing: [2, 4] }), ['timeout', [2, 4]])
    deepEqual(reply({ kind: 'proof', round, from: 2 }), ['proof', [2]])
    deepEqual(reply({ kind: 'mu', round, from: 2 }), ['banned', [2]])
    deepEqual(reply({ kind: 'cancelled', round }), ['cancelled', []])
  })

  it('names those that declined before anybody else', () => {
    const heard: Heard = {
      notYet: [{ from: 2, reason: 'busy', retryAfterMs: 500 }],
      refused: [],
    }
    deepEqual(afterAbort(4, { kind: 'cancelled', round }, heard), ['busy', [2]])
  })
})
