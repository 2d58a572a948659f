import { deepEqual, equal, notEqual, ok, throws } from 'node:assert/strict'
import { bytesToHex } from '@noble/hashes/utils.js'
import {
  decodeGenesis,
  encodeGenesis,
  type Genesis,
  networkIdOf,
} from '../../../protocols/agreement/genesis.ts'
import type { EpochCert } from '../../../protocols/agreement/objects/certificates.ts'
import { type EpochRecord, recordHash } from '../../../protocols/agreement/objects/record.ts'
import type { Stamp } from '../../../protocols/agreement/objects/root-signatures.ts'
import { baseOfRecord } from '../../../protocols/agreement/rules/base.ts'
import {
  decodeKeyCertificate,
  encodeKeyCertificate,
} from '../../../protocols/keygen/key-certificate.ts'
import { fromBase64url, toBase64url } from '../../../protocols/request/base64url.ts'
import { manifestOf } from '../../../src/gateway/manifest.ts'
import { createHoldfast, type HoldfastOptions } from '../../../src/sdk/client.ts'
import { HoldfastError } from '../../../src/sdk/holdfast-error.ts'
import { keySigner } from '../../../src/sdk/key-signer.ts'
import type { NetworkState } from '../../../src/sdk/network-state.ts'
import { Trust, type TrustOptions } from '../../../src/sdk/trust.ts'
import type { CreatedAccount } from '../../../src/wire/accounts.ts'
import type { NetworkManifest } from '../../../src/wire/network.ts'
import {
  activate,
  exampleFirst,
  exampleNext,
  ROOT_KEY,
  rootSign,
  stampOf,
  TIME,
} from '../../protocols/agreement/example-epochs.ts'
import { FakeWorld } from './fake-world.ts'

const HOUR_MS = 3_600_000
const first = exampleFirst(5, 3)
const second = exampleNext(baseOfRecord(first.record))
const third = exampleNext(baseOfRecord(second.record))
const twin = exampleNext(baseOfRecord(first.record), { nonce: new Uint8Array(16) })
const networkId = networkIdOf(first.genesis)
const genesis = decodeGenesis(first.genesis)
const OTHER = new Uint8Array(32).fill(0xee)

/** What a node that knows this epoch answers to `getNetwork`. */
const shows = (
  { cert }: { readonly cert: EpochCert },
  stamp: Stamp = stampOf(cert.record, TIME),
  {
    rootSig = activate(cert.record),
    zero = first.cert as EpochCert | null,
    before = [] as readonly EpochRecord[],
  } = {},
): NetworkManifest =>
  manifestOf(
    genesis,
    { encoded: first.genesis, nodes: [] },
    { cert, rootSig, stamp },
    { first: zero, before },
  )
const genesisOnly = (of: Genesis = genesis): NetworkManifest =>
  manifestOf(of, { encoded: encodeGenesis(of), nodes: [] }, null, { first: null, before: [] })

function trusting(options: Partial<TrustOptions> = {}) {
  const states: NetworkState[] = []
  const clock = { now: TIME }
  const trust = new Trust({
    networkId: undefined,
    rootKey: undefined,
    state: undefined,
    onState: (state) => states.push(state),
    now: () => clock.now,
    ...options,
  })
  const why = (manifest: unknown): string => {
    try {
      const { committee } = trust.read(manifest)
      return committee === null ? 'genesis' : `epoch ${committee.record.e}`
    } catch (error) {
      ok(error instanceof HoldfastError, String(error))
      const { why: reason } = (error.details ?? {}) as { why?: string }
      return `${error.id} ${reason ?? ''}`.trim()
    }
  }
  return { trust, states, clock, why }
}

describe('whom a client believes', () => {
  for (const [name, pins] of [
    ['the root key', { rootKey: ROOT_KEY }],
    ['the id of the network', { networkId }],
    ['both', { networkId, rootKey: ROOT_KEY }],
    ['nothing, on this machine', {}],
  ] as const)
    describe(`knowing ${name}`, () => {
      it('is the present committee, remembered', () => {
        const { trust, states, why } = trusting(pins)
        equal(why(shows(second)), 'epoch 1')
        deepEqual(states, [
          {
            v: 1,
            networkId: bytesToHex(networkId),
            rootKey: bytesToHex(ROOT_KEY),
            e: 1,
            recordHash: bytesToHex(recordHash(second.record)),
          },
        ])
        const network = trust.read(shows(second))
        equal(network.committee?.validUntil, TIME + 2 * HOUR_MS)
        deepEqual(network.epochs[0].epochId, second.record.epochId)
        equal(why(shows(third)), 'epoch 2')
        equal(trust.isCurrent(network), false)
        deepEqual(
          trust.read(shows(third)).epochs.map(({ epochId }) => epochId),
          [third.record.epochId, second.record.epochId],
        )
        equal(states.length, 2)
      })

      it('is no committee of an epoch before one that was seen, whatever certifies it', () => {
        const { why } = trusting(pins)
        equal(why(shows(third)), 'epoch 2')
        equal(why(shows(second)), 'STALE_COMMITTEE older')
        equal(why(shows(first)), 'STALE_COMMITTEE older')
        equal(why(genesisOnly()), 'STALE_COMMITTEE none')
      })

      it('is no committee whose stamp ended, is of another record, or dated ahead', () => {
        const { clock, trust, why } = trusting(pins)
        equal(
          why(shows(second, stampOf(second.record, TIME + 91_000))),
          'STALE_COMMITTEE stamp-future',
        )
        equal(why(shows(second, stampOf(first.record, TIME))), 'STALE_COMMITTEE stamp-other-record')
        const long = stampOf(second.record, TIME, { validUntil: TIME + 9 * HOUR_MS })
        equal(why(shows(second, long)), 'STALE_COMMITTEE stamp-life')
        const network = trust.read(shows(second))
        clock.now = TIME + 2 * HOUR_MS
        equal(trust.isCurrent(network), false)
        equal(why(shows(second)), 'STALE_COMMITTEE stamp-expired')
        equal(why(shows(second, stampOf(second.record, clock.now))), 'epoch 1')
      })

      it('is no committee that another key signed', () => {
        const { why, states } = trusting(pins)
        const hash = recordHash(second.record)
        const rootSig = { recordHash: hash, signature: rootSign(hash, OTHER) }
        equal(why(shows(second, undefined, { rootSig })), 'STALE_COMMITTEE not-activated')
        const good = stampOf(second.record, TIME)
        const signature = rootSign(OTHER, OTHER)
        equal(why(shows(second, { ...good, signature })), 'STALE_COMMITTEE not-stamped')
        deepEqual(states, [])
        equal(why(shows(second)), 'epoch 1')
      })

      it('is nothing that cannot be read, and nothing larger than 64 KiB', () => {
        const { why } = trusting(pins)
        const good = shows(second)
        for (const published of ['', 'AA', '!', 'A'.repeat(87_383)])
          equal(why({ ...good, committee: { ...good.committee, published } }), 'MANIFEST_INVALID')
        equal(why({ ...good, committee: {} }), 'MANIFEST_INVALID')
      })
    })

  it('knows the root key by the certificate of epoch 0 alone, once', () => {
    const { why } = trusting({ networkId })
    equal(why(shows(second, undefined, { zero: null })), 'STALE_COMMITTEE root-key')
    equal(why(shows(second, undefined, { zero: second.cert })), 'STALE_COMMITTEE root-key')
    const { ready } = first.cert
    equal(
      why(shows(second, undefined, { zero: { ...first.cert, ready: ready.slice(1) } })),
      'STALE_COMMITTEE root-key',
    )
    equal(why(shows(first)), 'epoch 0')
    equal(why(shows(second, undefined, { zero: null })), 'epoch 1')
  })

  it('knows the members of epochs before, by the hash that each record has of the one before it', () => {
    const { trust, why } = trusting({ rootKey: ROOT_KEY })
    const before = [second.record, first.record]
    deepEqual(
      trust.read(shows(third, undefined, { before })).epochs.map(({ epochId }) => epochId),
      [third, second, first].map(({ record }) => record.epochId),
    )
    deepEqual(trust.read(shows(third)).epochs.length, 3) // seen once
    for (const wrong of [[first.record], [twin.record], [second.record, second.record]])
      equal(why(shows(third, undefined, { before: wrong })), 'MANIFEST_INVALID')
    const forged = { ...second.record, members: second.record.members.slice(1) }
    equal(why(shows(third, undefined, { before: [forged] })), 'MANIFEST_INVALID')
  })

  it('knows a fork when it sees another record of the same epoch', () => {
    const { why } = trusting({ rootKey: ROOT_KEY })
    equal(why(shows(second)), 'epoch 1')
    equal(why(shows(twin)), 'STALE_COMMITTEE fork')
  })

  it('believes no other network, by id or by root key', () => {
    equal(trusting({ networkId: OTHER }).why(shows(second)), 'MANIFEST_INVALID')
    const rootKey = ROOT_KEY.slice()
    rootKey[5] = (rootKey[5] ?? 0) ^ 1
    equal(trusting({ rootKey }).why(shows(second)), 'STALE_COMMITTEE other-committee')
    // The committee of this network under the genesis of another: its record names another id.
    const elsewhere = manifestOf(
      { ...genesis, name: 'elsewhere' },
      { encoded: encodeGenesis({ ...genesis, name: 'elsewhere' }), nodes: [] },
      {
        cert: second.cert,
        rootSig: activate(second.record),
        stamp: stampOf(second.record, TIME),
      },
      { first: first.cert, before: [] },
    )
    equal(trusting({ rootKey: ROOT_KEY }).why(elsewhere), 'STALE_COMMITTEE other-committee')
    equal(trusting().why(elsewhere), 'STALE_COMMITTEE root-key')
  })

  it('takes the genesis alone on a development network of which nothing more is known', () => {
    const { trust, why, states } = trusting({ networkId })
    equal(why(genesisOnly()), 'genesis')
    equal(trust.isCurrent(trust.read(genesisOnly())), true)
    deepEqual(states, [])
    const alone = trust.read(genesisOnly())
    equal(why(shows(second)), 'epoch 1')
    equal(trust.isCurrent(alone), false)
    equal(why(genesisOnly()), 'STALE_COMMITTEE none')
    equal(trusting({ rootKey: ROOT_KEY }).why(genesisOnly()), 'STALE_COMMITTEE none')
    const { params } = genesis
    const production: Genesis = {
      ...genesis,
      environment: 'production',
      params: { ...params, setupsPerHour: 6, attestPolicyHash: OTHER },
    }
    equal(trusting().why(genesisOnly(production)), 'STALE_COMMITTEE none')
  })

  it('is not fooled after a restart by an old certificate that is all a client sees', () => {
    const { why, states } = trusting({ networkId })
    equal(why(shows(third)), 'epoch 2')
    const [state] = states
    ok(state)
    const kept: NetworkState = JSON.parse(JSON.stringify(state))
    const fresh = stampOf(second.record, TIME)
    // t holders of shares that they should have erased could still stamp epoch 1: only what was seen helps.
    equal(trusting({ networkId }).why(shows(second, fresh)), 'epoch 1')
    equal(trusting({ state: kept }).why(shows(second, fresh)), 'STALE_COMMITTEE older')
    equal(trusting({ state: kept }).why(shows(third)), 'epoch 2')
    // Without such holders there is no stamp that lives.
    const old = stampOf(second.record, TIME - 3 * HOUR_MS)
    equal(trusting({ networkId }).why(shows(second, old)), 'STALE_COMMITTEE stamp-expired')
  })

  it('takes no state that is none, or of another network', () => {
    const { why, states } = trusting({ networkId })
    equal(why(shows(second)), 'epoch 1')
    const [state] = states
    ok(state)
    for (const wrong of [
      { ...state, v: 2 },
      { ...state, e: -1 },
      { ...state, rootKey: '02' },
      { ...state, recordHash: state.recordHash.toUpperCase() },
      { ...state, more: 1 },
    ])
      throws(() => trusting({ state: wrong as NetworkState }), { id: 'MANIFEST_INVALID' })
    throws(() => trusting({ state, networkId: OTHER }), { id: 'MANIFEST_INVALID' })
    throws(() => trusting({ state, rootKey: new Uint8Array(33) }), { id: 'MANIFEST_INVALID' })
    notEqual(trusting({ state, networkId, rootKey: ROOT_KEY }).trust, undefined)
  })
})

describe('a client of a network with a committee', () => {
  const signer = keySigner({ alg: 'EdDSA', privateKey: new Uint8Array(32).fill(0x55) })
  const NODES = ['http://a/', 'http://b/']
  const HF = { rootKey: bytesToHex(ROOT_KEY), nodes: NODES, signer, deadlineMs: 5_000 }

  function clientOf(options: Partial<HoldfastOptions> = {}) {
    const world = new FakeWorld(genesis)
    const clock = { now: TIME }
    const asked: string[] = []
    const fetch: typeof world.fetch = (url, init) => {
      const { method } = JSON.parse(init.body)
      if (method === 'getNetwork') asked.push(new URL(url).hostname)
      return world.fetch(url, init)
    }
    const hf = createHoldfast({ ...HF, fetch, now: () => clock.now, ...options })
    const show = (node: string, manifest: NetworkManifest): void =>
      void world.manifests.set(node, { ...manifest })
    return { world, clock, asked, hf, show }
  }
  const idOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'resolved',
      (error: unknown) => (error instanceof HoldfastError ? error.id : String(error)),
    )

  const account = {
    accountId: '33333333-3333-8333-8333-333333333333',
    address: `0x${'11'.repeat(20)}`,
  }

  it('sends nothing to a node with an old committee, and goes on with another', async () => {
    const { world, hf, show } = clientOf()
    show('a', shows(third))
    show('b', shows(second))
    equal((await hf.getNetwork()).committee?.record.e, 2)
    world.acts.set('a', () => Promise.reject(new TypeError('fetch failed')))
    equal(await idOf(hf.signMessage({ account, message: 'x' })), 'STALE_COMMITTEE')
    deepEqual(world.seen, [])

    const other = clientOf()
    other.show('a', shows(second, stampOf(second.record, TIME - 3 * HOUR_MS)))
    other.show('b', shows(third))
    equal(await idOf(other.hf.signMessage({ account, message: 'x' })), 'AUTH_FAILED')
    deepEqual(
      other.world.seen.map(({ node }) => node),
      ['b'],
    )
  })

  it('verifies the certificate of a key under the members of the epoch that it was made in', async () => {
    const certified = async (epochId: Uint8Array): Promise<string> => {
      const { world, hf, show } = clientOf()
      for (const node of ['a', 'b']) {
        show(node, shows(third, undefined, { before: [second.record, first.record] }))
        world.lies.set(node, (result, { method }) => {
          if (method !== 'holdfast_createAccount') return result
          const created = result as CreatedAccount
          const certificate = decodeKeyCertificate(fromBase64url(created.certificate))
          const changed = encodeKeyCertificate({ ...certificate, epochId })
          return { ...created, certificate: toBase64url(changed) }
        })
      }
      return idOf(hf.createAccount())
    }
    for (const { record } of [third, second, first])
      equal(await certified(record.epochId), 'resolved')
    for (const unknown of [OTHER, networkId]) equal(await certified(unknown), 'SIGNATURE_INVALID')
  })

  it('asks again when a stamp ended, and says STALE_COMMITTEE when nobody has another', async () => {
    const { hf, show, asked, clock } = clientOf()
    for (const node of ['a', 'b']) show(node, shows(second))
    await hf.getNetwork()
    await hf.getNetwork()
    deepEqual(asked, ['a'])
    clock.now += 2 * HOUR_MS
    equal(await idOf(hf.getNetwork()), 'STALE_COMMITTEE')
    deepEqual(new Set(asked), new Set(['a', 'b']))
    for (const node of ['a', 'b']) show(node, shows(second, stampOf(second.record, clock.now)))
    equal((await hf.getNetwork()).committee?.validUntil, clock.now + 2 * HOUR_MS)
  })

  it('takes the root key in hex and base64url, and is refused with neither', () => {
    createHoldfast({
      nodes: 'https://x.example',
      rootKey: Buffer.from(ROOT_KEY).toString('base64url'),
    })
    for (const rootKey of ['', '02', bytesToHex(ROOT_KEY).slice(2)])
      throws(() => createHoldfast({ nodes: 'https://x.example', rootKey }), {
        id: 'MANIFEST_INVALID',
      })
  })
})
