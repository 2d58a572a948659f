import type { PolicyClass } from './method-class.ts'

/**
 * Who may call a method (05 §4.1): anybody; whoever registers, with a ticket and a new proof; the owners of
 * the scope; the client key of a session; a named approver; or whom the policy allows its class.
 */
export type MethodAccess =
  | 'public'
  | 'registration'
  | 'owners'
  | 'session'
  | 'approver'
  | PolicyClass

/** The methods of accounts, scopes and sessions; those of recovery, lambdas and devices come later. */
export const METHOD_ACCESS: Readonly<Record<string, MethodAccess>> = {
  getNetwork: 'public',
  getStatus: 'public',
  getEpochs: 'public',
  getEntryKeys: 'public',
  'rpc.discover': 'public',
  eth_chainId: 'public',
  verify: 'public',
  initiateRegistration: 'public',
  initiateAuthentication: 'public',
  holdfast_createAccount: 'registration',
  completeRegistration: 'registration',
  delegatedRegistration: 'registration',
  createScope: 'owners',
  updateScope: 'owners',
  getScope: 'owners',
  listScopeAccounts: 'owners',
  rotateScopeSecret: 'owners',
  adoptScope: 'policy.set',
  completeAuthentication: 'session.open',
  listSessions: 'session.open',
  revokeSession: 'session.open',
  revokeAllSessions: 'session.open',
  renewSession: 'session',
  getAccount: 'read.private',
  getAddresses: 'read.private',
  listKeys: 'read.private',
  eth_accounts: 'read.private',
  eth_requestAccounts: 'read.private',
  createKey: 'key.create',
  freezeKey: 'key.freeze',
  unfreezeKey: 'key.unfreeze',
  exportKey: 'key.export',
  personal_sign: 'sign.message',
  signMessage: 'sign.message',
  eth_signTypedData_v4: 'sign.typed',
  eth_signTransaction: 'sign.tx',
  eth_sendTransaction: 'sign.tx',
  eth_signUserOperation: 'sign.tx',
  signTransaction: 'sign.tx',
  eth_signAuthorization: 'sign.authorization',
  rawSign: 'sign.raw',
  setPolicy: 'policy.set',
  getPolicy: 'read.private',
  evaluatePolicy: 'read.private',
  simulate: 'read.private',
  listApprovals: 'approver',
  approve: 'approver',
  addCredential: 'credential.add',
  revokeCredential: 'credential.revoke',
  listCredentials: 'read.private',
  getLog: 'read.private',
  getActivity: 'read.private',
  getReceipt: 'read.private',
  getRequest: 'read.private',
  cancelRequest: 'read.private',
  subscribe: 'read.private',
  getEvents: 'read.private',
  replayEvents: 'read.private',
}

/** Reading that the owners of the scope may do as well (05 §4.1). */
export const OWNERS_READ: ReadonlySet<string> = new Set([
  'getLog',
  'getActivity',
  'getReceipt',
  'getRequest',
  'cancelRequest',
  'subscribe',
  'getEvents',
  'replayEvents',
])
