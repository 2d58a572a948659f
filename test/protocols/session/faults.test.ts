import assert from 'node:assert/strict'
import {
  blamed,
  type Consequence,
  consequence,
  type Fault,
  type FaultKind,
  ProtocolError,
} from '../../../protocols/session/faults.ts'

const at = { round: 'sign/2-multiply', from: 2 }

/** The table of 02 §12. The compiler makes sure that no kind is missing. */
const table: { [Kind in FaultKind]: [Fault & { kind: Kind }, Consequence] } = {
  timeout: [{ kind: 'timeout', round: at.round, missing: [2] }, 'retry'],
  cancelled: [{ kind: 'cancelled', round: at.round }, 'retry'],
  binding: [{ kind: 'binding', ...at }, 'retry'],
  generation: [{ kind: 'generation', ...at }, 'retry'],
  'setup-missing': [{ kind: 'setup-missing', ...at }, 'retry'],
  'corr-unknown': [{ kind: 'corr-unknown', ...at }, 'retry'],
  'presig-unknown': [{ kind: 'presig-unknown', ...at }, 'retry'],
  banned: [{ kind: 'banned', ...at }, 'retry'],
  pprf: [{ kind: 'pprf', ...at }, 'retry'],
  sum: [{ kind: 'sum', round: at.round }, 'retry'],
  signature: [{ kind: 'signature', round: at.round }, 'retry'],
  malformed: [{ kind: 'malformed', ...at, reason: 'short' }, 'strike'],
  commitment: [{ kind: 'commitment', ...at }, 'strike'],
  proof: [{ kind: 'proof', ...at }, 'strike'],
  share: [{ kind: 'share', ...at }, 'strike'],
  equivocation: [{ kind: 'equivocation', ...at }, 'strike'],
  refused: [{ kind: 'refused', ...at }, 'final'],
  cote: [{ kind: 'cote', ...at }, 'ban'],
  mu: [{ kind: 'mu', ...at }, 'ban'],
  check1: [{ kind: 'check1', ...at }, 'ban'],
  check2: [{ kind: 'check2', ...at }, 'ban'],
  'own-share': [{ kind: 'own-share', reason: 'does not fit' }, 'halt'],
  kernel: [{ kind: 'kernel', reason: 'stale handle' }, 'halt'],
}

describe('consequence()', () => {
  for (const [fault, expected] of Object.values(table))
    it(`${fault.kind} → ${expected}`, () => assert.equal(consequence(fault), expected))
})

describe('a ProtocolError', () => {
  for (const [fault] of Object.values(table))
    it(`says ${fault.kind} for people and keeps it for machines`, () => {
      const error = new ProtocolError(fault)
      assert.deepEqual(error.fault, fault)
      assert.ok(error.message.length > 0)
      assert.equal(blamed(fault), 'from' in fault ? 2 : undefined)
    })
})
