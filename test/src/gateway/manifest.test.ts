import { deepEqual, equal, ok } from 'node:assert/strict'
import { PublishedCommittee } from '../../../protocols/agreement/chain/published-committee.ts'
import { decodeGenesis } from '../../../protocols/agreement/genesis.ts'
import { EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import { EpochRecord } from '../../../protocols/agreement/objects/record.ts'
import { baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import { fromBase64url, toBase64url } from '../../../protocols/request/base64url.ts'
import { manifestOf, presentManifest } from '../../../src/gateway/manifest.ts'
import { NO_PAST, PastEpochs } from '../../../src/gateway/past-epochs.ts'
import { NETWORK_MANIFEST } from '../../../src/wire/network.ts'
import {
  activate,
  type ExampleEpoch,
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
  const file = { encoded: first.genesis, nodes: [] }
  const past = { first: first.cert, before: [first.record] }

  it('says that there is no committee before there is one', async () => {
    const manifest = manifestOf(genesis, file, null, NO_PAST)
    deepEqual([manifest.rootKey, manifest.committee], [null, null])
    deepEqual(NETWORK_MANIFEST.parse(manifest), manifest)
    const source = {
      genesis: first.genesis,
      nodes: () => [],
      published: () => null,
      past: () => Promise.reject(new Error('there is none')),
    }
    deepEqual(await presentManifest(genesis, source), manifest)
  })

  it('shows the committee as it is published, where its root key comes from, and who was before', async () => {
    const published = publishedOf(next)
    const manifest = await presentManifest(genesis, {
      genesis: first.genesis,
      nodes: () => [],
      published: () => published,
      past: async () => past,
    })
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
    equal(manifestOf(genesis, file, published, NO_PAST).committee?.first, null)
  })

  it('shows the certificate of epoch 0 once', () => {
    equal(manifestOf(genesis, file, publishedOf(first), past).committee?.first, null)
  })

  it('stays within the bounds of the wire for the largest committee', () => {
    const large = exampleFirst(16, 9)
    const after = exampleNext(baseOfRecord(large.record))
    const manifest = manifestOf(
      decodeGenesis(large.genesis),
      { encoded: large.genesis, nodes: [] },
      publishedOf(after),
      { first: large.cert, before: Array(20).fill(large.record) },
    )
    ok(NETWORK_MANIFEST.safeParse(manifest).success)
    equal(manifest.committee?.before.length, 8)
  })
})

describe('what a node knows of epochs before the newest', () => {
  const epochs: ExampleEpoch[] = [exampleFirst(3, 2)]
  for (let e = 1; e < 12; e++) {
    const before = epochs[e - 1]
    ok(before)
    epochs.push(exampleNext(baseOfRecord(before.record)))
  }
  const recordOf = (e: number): EpochRecord => {
    const epoch = epochs[e]
    ok(epoch)
    return epoch.record
  }

  function asking(history: (e: number) => Promise<Uint8Array | null>) {
    const clock = { now: 0 }
    const asked: number[] = []
    const failed: unknown[] = []
    const past = new PastEpochs({
      history: (e) => {
        asked.push(e)
        return history(e)
      },
      monotonic: () => clock.now,
      failed: (error) => failed.push(error),
    })
    return { past, clock, asked, failed }
  }
  const known = async (e: number): Promise<Uint8Array | null> => {
    const epoch = epochs[e]
    return epoch === undefined ? null : EpochCert.encode(epoch.cert)
  }

  it('is nothing for epoch 0, which is not even asked for', async () => {
    const { past, asked } = asking(known)
    deepEqual(await past.of(recordOf(0)), NO_PAST)
    deepEqual(asked, [])
  })

  it('is epoch 0 and the eight before, asked for once', async () => {
    const { past, asked } = asking(known)
    const [one, other] = await Promise.all([past.of(recordOf(11)), past.of(recordOf(11))])
    deepEqual(one, other)
    deepEqual(one.first, epochs[0]?.cert)
    deepEqual(
      one.before.map(({ e }) => e),
      [10, 9, 8, 7, 6, 5, 4, 3],
    )
    deepEqual(asked, [0, 10, 9, 8, 7, 6, 5, 4, 3])
    await past.of(recordOf(11))
    equal(asked.length, 9)
    const { before } = await past.of(recordOf(2))
    deepEqual(
      before.map(({ e }) => e),
      [1, 0],
    )
    deepEqual(asked.slice(9), [1])
  })

  it('ends where an epoch is not known, which is asked for again after a while', async () => {
    const missing = new Set([0, 3])
    const { past, asked, clock } = asking(async (e) => (missing.has(e) ? null : known(e)))
    const some = await past.of(recordOf(5))
    equal(some.first, null)
    deepEqual(
      some.before.map(({ e }) => e),
      [4],
    )
    missing.clear()
    clock.now = 4_999
    deepEqual(await past.of(recordOf(5)), some)
    clock.now = 5_000
    deepEqual((await past.of(recordOf(5))).before.length, 5)
    deepEqual(asked, [0, 4, 3, 2, 1, 0, 3])
  })

  it('is no record that the one after it does not name, and no failure of the guest', async () => {
    const other = exampleNext(baseOfRecord(recordOf(0)), { nonce: new Uint8Array(16) })
    const forked = asking(async (e) => (e === 1 ? EpochCert.encode(other.cert) : known(e)))
    deepEqual((await forked.past.of(recordOf(2))).before, [])
    const broken = asking(() => Promise.reject(new Error('the guest is gone')))
    deepEqual(await broken.past.of(recordOf(2)), NO_PAST)
    const nonsense = asking(async () => new Uint8Array(3))
    deepEqual(await nonsense.past.of(recordOf(2)), NO_PAST)
    deepEqual([broken.failed.length, nonsense.failed.length], [1, 1])
  })
})
