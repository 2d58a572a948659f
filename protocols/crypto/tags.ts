/**
 * Every domain of hashing, in one place (spec "Hashing", 02 §1.4). Append only: a change of meaning
 * needs a new version. A test makes sure that none is the beginning of another.
 */
/** Contexts of the random oracle `RO`. */
export const tags = {
  instance: 'holdfast dkls v1 instance/',
  pairSid: 'holdfast dkls v1 pair-sid/',
  pairDir: 'holdfast dkls v1 pair-dir/',
  pairCom: 'holdfast dkls v1 pair-com/',
  pairZeta: 'holdfast dkls v1 pair-zeta/',
  otKey: 'holdfast dkls v1 ot-key/',
  pprfProof: 'holdfast dkls v1 pprf-proof/',
  pairTranscript: 'holdfast dkls v1 pair-tr/',
  pairId: 'holdfast dkls v1 pair-id/',
  rvoleSid: 'holdfast dkls v1 rvole-sid/',
  rvoleChi: 'holdfast dkls v1 rvole-chi/',
  rvoleColumn: 'holdfast dkls v1 rvole-col/',
  rvoleGadget: 'holdfast dkls v1 rvole-gadget/',
  rvoleTheta: 'holdfast dkls v1 rvole-theta/',
  rvoleMu: 'holdfast dkls v1 rvole-mu/',
  dealCommitment: 'holdfast dkls v1 deal-com/',
  dealSid: 'holdfast dkls v1 deal-sid/',
  chain: 'holdfast dkls v1 chain/',
  keyId: 'holdfast dkls v1 key-id/',
  dealPublic: 'holdfast dkls v1 deal-pub/',
  keyRecord: 'holdfast dkls v1 key-rec/',
  dealTranscript: 'holdfast dkls v1 deal-tr/',
  pok: 'holdfast dkls v1 pok/',
  signCommitment: 'holdfast dkls v1 sign-com/',
  signSid: 'holdfast dkls v1 sign-sid/',
  onlineSid: 'holdfast dkls v1 online-sid/',
  presignatureId: 'holdfast dkls v1 presig-id/',
  correlationSid: 'holdfast dkls v1 corr-sid/',
  correlationTranscript: 'holdfast dkls v1 corr-tr/',
  correlationId: 'holdfast dkls v1 corr-id/',
} as const

export type Tag = (typeof tags)[keyof typeof tags]

/** Contexts of `H`, the hash of canonical objects (03 §1.1, 05). */
export const objectTags = {
  network: 'holdfast/v1 network',
  committee: 'holdfast/v1 committee',
  requestDigest: 'holdfast/v1 request digest',
  session: 'holdfast/v1 session',
  intent: 'holdfast/v1 intent',
  policy: 'holdfast/v1 policy',
  scopeId: 'holdfast/v1 scope id',
  accountId: 'holdfast/v1 account id',
  credentialId: 'holdfast/v1 credential id',
  lead: 'holdfast/v1 lead',
  node: 'holdfast/v1 node',
  member: 'holdfast/v1 member',
  ban: 'holdfast/v1 ban',
  idempotency: 'holdfast/v1 idem',
} as const

export type ObjectTag = (typeof objectTags)[keyof typeof objectTags]
