/** What a policy decides about (05 §1.4). A method has one class. */
export const POLICY_CLASSES = [
  'sign.message',
  'sign.typed',
  'sign.tx',
  'sign.authorization',
  'sign.raw',
  'session.open',
  'credential.add',
  'credential.revoke',
  'policy.set',
  'recovery.start',
  'recovery.cancel',
  'key.create',
  'key.freeze',
  'key.unfreeze',
  'key.export',
  'lambda.create',
  'lambda.manage',
  'lambda.run',
  'device.add',
  'device.revoke',
  'account.close',
  'read.private',
] as const

export type PolicyClass = (typeof POLICY_CLASSES)[number]

/** Classes that use an account; all others change it, and are called management. */
export const isManagement = (name: PolicyClass): boolean =>
  !name.startsWith('sign.') && name !== 'read.private' && name !== 'lambda.run'
