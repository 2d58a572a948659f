import type { Answer } from '../objects/proposal.ts'
import type { EpochRecord } from '../objects/record.ts'
import type { Signed } from '../objects/signed.ts'
import type { Base } from '../rules/base.ts'
import { type Change, changeOf, genesisChange } from '../rules/change.ts'
import { same } from './hex-of.ts'
import type { Subject } from './messages.ts'
import type { BaseEpoch, Epoch, LiveProposal } from './state.ts'

/** The number of what stands in the genesis file: the epoch before the first (03 §1.2). It is never written down. */
const BEFORE_FIRST = -1

/** What a member of a genesis file starts from: epoch 0 is made of it as every later one of the one before it (03 §1.2). */
export function genesisEpoch(base: Base): BaseEpoch {
  const record: EpochRecord = {
    ...base,
    e: BEFORE_FIRST,
    k: 0,
    kind: 0,
    prevHash: base.hash,
    proposalHash: base.hash,
    epochId: base.hash,
    rootKey: new Uint8Array(),
    keyCount: 0,
    keySetRoot: new Uint8Array(),
    transcriptHash: new Uint8Array(),
    unban: [],
    createdAt: 0,
  }
  return { record, hash: base.hash, base, cert: null, keys: [] }
}

/** Whether epoch 0 is not made yet. */
export const isGenesis = ({ base }: Pick<Epoch, 'base'>): boolean => base.next === 0

/** The change that everybody in a genesis file has to say yes to; nobody proposes it (03 §1.2). */
export const genesisProposal = (
  { hash }: Base,
  answers: readonly Signed<Answer>[],
): LiveProposal => ({
  proposal: null,
  joins: [],
  hash,
  answers: new Map(answers.map((answer) => [answer.object.index, answer])),
  starts: 0,
})

export const changeOfSubject = (base: Base, { proposal, joins }: Subject): Change =>
  proposal === null ? genesisChange(base) : changeOf(proposal.object, joins)

/** When nobody may start it any more, unix ms. */
export const expiryOf = ({ proposal }: Subject): number =>
  proposal?.object.expiresAt ?? Number.POSITIVE_INFINITY

/** The epoch as objects name it, which know no number below 0; the hash of the record tells it from epoch 0. */
export const statedEpoch = ({ e }: Pick<EpochRecord, 'e'>): number => Math.max(0, e)

/** The epoch that an object means. */
export const meantEpoch = (
  networkId: Uint8Array,
  { e, recordHash }: Pick<EpochRecord, 'e'> & { readonly recordHash: Uint8Array },
): number => (same(recordHash, networkId) ? BEFORE_FIRST : e)
