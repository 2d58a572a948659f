import { PublishedCommittee } from '../../../../protocols/agreement/chain/published-committee.ts'
import { PublishedNetwork } from '../../../../protocols/agreement/chain/published-network.ts'
import { recordHash } from '../../../../protocols/agreement/objects/record.ts'
import type { Stamp } from '../../../../protocols/agreement/objects/root-signatures.ts'
import { baseOfRecord } from '../../../../protocols/agreement/rules/base.ts'
import {
  activate,
  type ExampleEpoch,
  type ExampleFirst,
  type ExampleNext,
  exampleFirst,
  exampleNext,
  stampOf,
} from '../../../protocols/agreement/example-epochs.ts'

/** A network of five whose epochs 0, 1 and 2 were made, and another epoch 1 that nobody should believe after the first. */
export const first: ExampleFirst = exampleFirst(5, 3)
export const second: ExampleNext = exampleNext(baseOfRecord(first.record))
export const third: ExampleNext = exampleNext(baseOfRecord(second.record))
export const twin: ExampleNext = exampleNext(baseOfRecord(first.record), {
  nonce: new Uint8Array(16),
})
export const networkId: Uint8Array = first.base.networkId
export const committeeId: Uint8Array = first.base.committeeId

/** What its members would publish of an epoch. */
export const publishedOf = (
  { cert, record }: Pick<ExampleEpoch, 'cert' | 'record'>,
  issuedAt: number,
  change: Partial<PublishedCommittee> & { readonly stamped?: Partial<Stamp> } = {},
): Uint8Array =>
  PublishedCommittee.encode({
    cert: change.cert ?? cert,
    rootSig: change.rootSig ?? activate(record),
    stamp: change.stamp ?? stampOf(record, issuedAt, change.stamped),
  })

/** What they would publish in the list of their network. */
export const listOf = (
  { record }: Pick<ExampleEpoch, 'record'>,
  issuedAt: number,
  change: Record<string, unknown> = {},
): Uint8Array =>
  PublishedNetwork.encode([
    {
      committeeId,
      rootKey: record.rootKey,
      e: record.e,
      recordHash: recordHash(record),
      stamp: stampOf(record, issuedAt),
      ...change,
    },
  ])
