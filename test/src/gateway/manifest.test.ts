import { deepEqual, equal, ok } from 'node:assert/strict'
import { PublishedCommittee } from '../../../protocols/agreement/chain/published-committee.ts'
import { decodeGenesis } from '../../../protocols/agreement/genesis.ts'
import { EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import { baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import { fromBase64url, toBase64url } from '../../../protocols/request/base64url.ts'
import { manifestOf } from '../../../src/gateway/manifest.ts'
import { NETWORK_MANIFEST } from '../../../src/wire/network.ts'
import {
  activate,
  exampleFirst,
  exampleNext,
  ROOT_KEY,
  stampOf,
  TIME,
} from '../../protocols/agreement/example-epochs.ts'

const publishedOf = ({ cert }: { readonly cert: EpochCert }): PublishedCommittee => ({
  cert,
  rootSig: activate(cert.record),
  stamp: stampOf(cert.record, TIME),
})

describe('the manifest of a node', () => {
  const first = exampleFirst(5, 3)
  const next = exampleNext(baseOfRecord(first.record))
  const genesis = decodeGenesis(first.genesis)
  const source = {
    genesis: first.genesis,
    nodes: () => [],
    first: () => first.cert,
    before: () => [first.record],
  }

  it('says that there is no committee before there is one', () => {
    const manifest = manifestOf(genesis, { ...source, published: () => null })
    deepEqual([manifest.rootKey, manifest.committee], [null, null])
    deepEqual(NETWORK_MANIFEST.parse(manifest), manifest)
  })

  it('shows the committee as it is published, and what shows its root key', () => {
    const published = publishedOf(next)
    const manifest = manifestOf(genesis, { ...source, published: () => published })
    deepEqual(NETWORK_MANIFEST.parse(manifest), manifest)
    equal(manifest.rootKey, toBase64url(ROOT_KEY))
    const { committee } = manifest
    ok(committee?.first)
    deepEqual(PublishedCommittee.decode(fromBase64url(committee.published)), published)
    deepEqual(EpochCert.decode(fromBase64url(committee.first)), first.cert)
    deepEqual(
      committee.before.map((bytes) => EpochRecord.decode(fromBase64url(bytes))),
      [first.record],
    )
    const without = { ...source, first: () => null, published: () => published }
    equal(manifestOf(genesis, without).committee?.first, null)
  })

  it('shows the certificate of epoch 0 once', () => {
    const published = publishedOf(first)
    const { committee } = manifestOf(genesis, { ...source, published: () => published })
    equal(committee?.first, null)
  })

  it('stays within the bounds of the wire for the largest committee', () => {
    const large = exampleFirst(16, 9)
    const after = exampleNext(baseOfRecord(large.record))
    const manifest = manifestOf(decodeGenesis(large.genesis), {
      genesis: large.genesis,
      nodes: () => [],
      published: () => publishedOf(after),
      first: () => large.cert,
      before: () => Array(20).fill(large.record),
    })
    ok(NETWORK_MANIFEST.safeParse(manifest).success)
    equal(manifest.committee?.before.length, 8)
  })
})
