import type { OperatorActions } from '../../src/node/operator/actions.ts'
import type { OperatorStatus } from '../../src/node/operator/messages.ts'

const unexpected = (name: string) => async (): Promise<never> => {
  throw new Error(`the tool called ${name}`)
}

/** Actions of which a test gives those that it expects; any other call is a failure of the test. */
export const someActions = (given: Partial<OperatorActions>): OperatorActions => ({
  status: unexpected('status'),
  alerts: unexpected('alerts'),
  propose: unexpected('propose'),
  answer: unexpected('answer'),
  proposal: unexpected('proposal'),
  leave: unexpected('leave'),
  draftJoin: unexpected('draftJoin'),
  sendJoin: unexpected('sendJoin'),
  history: unexpected('history'),
  openBackup: unexpected('openBackup'),
  partition: null,
  ...given,
})

/** What a node says that serves its first epoch alone. */
export const aStatus = (change: Partial<OperatorStatus> = {}): OperatorStatus => ({
  networkId: '11'.repeat(32),
  committeeId: '22'.repeat(32),
  me: 1,
  guestSig: '33'.repeat(32),
  standing: 'member',
  environment: 'development',
  epoch: { e: 0, k: 1 },
  record: null,
  baseHash: '44'.repeat(32),
  t: 3,
  q: 4,
  quarantine: null,
  members: [1, 2, 3, 4, 5].map((index) => ({
    index,
    guestSig: `0${index}`.repeat(32),
    label: `node-${index}`,
    silentMs: 0,
    contributing: true,
  })),
  joins: [],
  proposals: [],
  attempt: null,
  aborts: [],
  receipts: [],
  stampUntil: null,
  alerts: [],
  ...change,
})
