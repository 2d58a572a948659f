import { EpochCert } from '../objects/certificates.ts'
import { MAX_LARGE_OBJECT_BYTES, type ObjectCodec, object } from '../objects/object-codec.ts'
import { RootSig, Stamp } from '../objects/root-signatures.ts'

/** A committee as it is published under `/hf-committee/…` (03 §3.1): at most 64 KiB. */
export interface PublishedCommittee {
  readonly cert: EpochCert
  readonly rootSig: RootSig
  readonly stamp: Stamp
}

export const PublishedCommittee: ObjectCodec<PublishedCommittee> = object<PublishedCommittee>(
  'published',
  { cert: EpochCert, rootSig: RootSig, stamp: Stamp },
  { maxBytes: MAX_LARGE_OBJECT_BYTES },
)
