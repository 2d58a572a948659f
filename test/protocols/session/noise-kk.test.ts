import assert from 'node:assert/strict'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { x25519 } from '@noble/curves/ed25519.js'
import { aeadOpen, aeadSeal, nodeSuite } from '../../../enclave-runtime/guest/noise-suite.ts'
import {
  initiate,
  NoiseError,
  type NoiseSuite,
  nobleSuite,
  respond,
} from '../../../protocols/session/noise-kk.ts'
import { seeded } from '../../support/seeded.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const load = (name: string): Record<string, Record<string, string>[]> =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'))

const nodeKey = (bytes: Uint8Array): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), bytes]),
    format: 'der',
    type: 'pkcs8',
  })

/** Both implementations, with a way to give them a private key from a vector. */
const SUITES: readonly { name: string; suite: NoiseSuite<never>; key(bytes: Uint8Array): never }[] =
  [
    {
      name: 'noble',
      suite: nobleSuite(seeded('noise')) as NoiseSuite<never>,
      key: (bytes) => bytes as never,
    },
    {
      name: 'node:crypto',
      suite: nodeSuite as NoiseSuite<never>,
      key: (bytes) => nodeKey(bytes) as never,
    },
  ]

for (const { name, suite, key } of SUITES)
  describe(`Noise KK with ${name}`, () => {
    const pair = (privateKey: Uint8Array) => ({
      privateKey: key(privateKey),
      publicKey: x25519.getPublicKey(privateKey),
    })
    const withEphemeral = (privateKey: Uint8Array): NoiseSuite<never> => ({
      ...suite,
      generate: () => pair(privateKey),
    })
    const random = seeded(`statics ${name}`)
    const alice = pair(random(32))
    const bob = pair(random(32))
    const prologue = Uint8Array.of(1, 2)
    const hello = Uint8Array.of(9)
    const begin = () => initiate(suite, { mine: alice, theirs: bob.publicKey }, prologue, hello)
    const answerTo = (message: Uint8Array) =>
      respond(suite, { mine: bob, theirs: alice.publicKey }, prologue, message)

    it('gives the published handshake, hash and transport messages', () => {
      const [vector] = load('noise-kk')['vectors'] ?? []
      assert.ok(vector)
      const of = (field: string): Uint8Array => hex(String(vector[field]))
      const messages = vector['messages'] as unknown as { payload: string; ciphertext: string }[]
      const [first, second, ...transport] = messages
      const initiation = initiate(
        withEphemeral(of('init_ephemeral')),
        { mine: pair(of('init_static')), theirs: of('init_remote_static') },
        of('init_prologue'),
        hex(first?.payload ?? ''),
      )
      assert.deepEqual(initiation.message, hex(first?.ciphertext ?? ''))
      const response = respond(
        withEphemeral(of('resp_ephemeral')),
        { mine: pair(of('resp_static')), theirs: of('resp_remote_static') },
        of('resp_prologue'),
        initiation.message,
      )
      assert.deepEqual(response.payload, hex(first?.payload ?? ''))
      const answer = response.answer(hex(second?.payload ?? ''))
      assert.deepEqual(answer.message, hex(second?.ciphertext ?? ''))
      const { payload, secrets } = initiation.finish(answer.message)
      assert.deepEqual(payload, hex(second?.payload ?? ''))
      assert.deepEqual(secrets.hash, of('handshake_hash'))
      assert.deepEqual(secrets.hash, answer.secrets.hash)
      assert.equal(transport.length, 4)
      for (const [i, { payload: plain, ciphertext }] of transport.entries()) {
        const sender = i % 2 === 0 ? secrets : answer.secrets
        const receiver = i % 2 === 0 ? answer.secrets : secrets
        const nonce = new Uint8Array(12)
        nonce[4] = i >> 1
        const sealed = suite.seal(sender.send, nonce, new Uint8Array(), hex(plain))
        assert.deepEqual(sealed, hex(ciphertext))
        assert.deepEqual(suite.open(receiver.receive, nonce, new Uint8Array(), sealed), hex(plain))
      }
    })

    it('refuses a first and a second message with any bit flipped, and can still finish', () => {
      const initiation = begin()
      const answer = answerTo(initiation.message).answer(hello)
      for (let at = 0; at < initiation.message.length; at++) {
        const broken = initiation.message.slice()
        broken[at] = (broken[at] ?? 0) ^ 1
        assert.throws(() => answerTo(broken), NoiseError)
      }
      for (let at = 0; at < answer.message.length; at++) {
        const broken = answer.message.slice()
        broken[at] = (broken[at] ?? 0) ^ 1
        assert.throws(() => initiation.finish(broken), NoiseError)
      }
      assert.deepEqual(initiation.finish(answer.message).payload, hello)
    })

    it('refuses another prologue, another static, a cut message and the answer to another one', () => {
      const { message } = begin()
      const carol = pair(random(32))
      const statics = { mine: bob, theirs: alice.publicKey }
      assert.throws(() => respond(suite, statics, Uint8Array.of(1, 3), message), NoiseError)
      assert.throws(
        () => respond(suite, { mine: bob, theirs: carol.publicKey }, prologue, message),
        NoiseError,
      )
      assert.throws(
        () => respond(suite, { mine: carol, theirs: alice.publicKey }, prologue, message),
        NoiseError,
      )
      for (const length of [0, 31, 32, 47, message.length - 1])
        assert.throws(() => answerTo(message.subarray(0, length)), NoiseError)
      const other = answerTo(message).answer(hello)
      assert.throws(() => begin().finish(other.message), NoiseError)
    })

    it('has other keys each time', () => {
      const runs = Array.from({ length: 4 }, () => {
        const initiation = begin()
        return initiation.finish(answerTo(initiation.message).answer(hello).message).secrets
      })
      const keys = runs.flatMap(({ send, receive, hash }) => [send, receive, hash])
      assert.equal(new Set(keys.map((each) => Buffer.from(each).toString('hex'))).size, 12)
    })

    it('agrees with the published X25519 cases, and refuses every all-zero result', () => {
      let zeros = 0
      for (const test of load('x25519')['tests'] ?? []) {
        const theirs = hex(test['public'] ?? '')
        const mine = pair(hex(test['private'] ?? ''))
        const shared = hex(test['shared'] ?? '')
        if (shared.every((byte) => byte === 0)) {
          zeros++
          assert.throws(
            () => initiate(suite, { mine, theirs }, prologue, hello),
            NoiseError,
            `case ${test['tcId']}`,
          )
        } else assert.deepEqual(suite.dh(mine.privateKey, theirs), shared, `case ${test['tcId']}`)
      }
      assert.equal(zeros, 31)
    })

    it('agrees with the published AEAD cases, altered ones included', () => {
      let refused = 0
      for (const test of load('chacha20-poly1305')['tests'] ?? []) {
        const of = (field: string): Uint8Array => hex(test[field] ?? '')
        const sealed = new Uint8Array([...of('ct'), ...of('tag')])
        const opened = suite.open(of('key'), of('iv'), of('aad'), sealed)
        if (test['result'] === 'valid') {
          assert.deepEqual(opened, of('msg'), `case ${test['tcId']}`)
          assert.deepEqual(suite.seal(of('key'), of('iv'), of('aad'), of('msg')), sealed)
        } else {
          refused++
          assert.equal(opened, undefined, `case ${test['tcId']}`)
        }
      }
      assert.ok(refused > 0)
    })
  })

describe('the two suites', () => {
  it('understand each other', () => {
    const random = seeded('both')
    const [a, b] = [random(32), random(32)]
    const noble = nobleSuite(random)
    const initiation = initiate(
      noble,
      {
        mine: { privateKey: a, publicKey: x25519.getPublicKey(a) },
        theirs: x25519.getPublicKey(b),
      },
      new Uint8Array(),
      new Uint8Array(),
    )
    const answer = respond(
      nodeSuite,
      {
        mine: { privateKey: nodeKey(b), publicKey: x25519.getPublicKey(b) },
        theirs: x25519.getPublicKey(a),
      },
      new Uint8Array(),
      initiation.message,
    ).answer(new Uint8Array())
    const { secrets } = initiation.finish(answer.message)
    assert.deepEqual(secrets.send, answer.secrets.receive)
    assert.deepEqual(secrets.receive, answer.secrets.send)
  })

  it('seal alike, and refuse what is shorter than a tag', () => {
    const random = seeded('aead')
    const noble = nobleSuite(random)
    for (const length of [0, 1, 63, 64, 65, 5000]) {
      const [key, nonce, aad, plain] = [random(32), random(12), random(40), random(length)]
      const sealed = aeadSeal(key, nonce, aad, plain)
      assert.deepEqual(sealed, noble.seal(key, nonce, aad, plain))
      assert.deepEqual(aeadOpen(key, nonce, aad, sealed), plain)
      for (const suite of [noble, nodeSuite]) {
        const given = key.slice()
        const cipher = suite.under(given)
        given.fill(0) // it has a copy
        const behind = cipher.seal(nonce, aad, plain, 24)
        assert.deepEqual(behind, new Uint8Array([...new Uint8Array(24), ...sealed]))
        assert.deepEqual(cipher.open(nonce, aad, sealed), plain)
        assert.equal(cipher.open(nonce, aad.slice(1), sealed), undefined)
      }
    }
    assert.equal(aeadOpen(random(32), random(12), new Uint8Array(), random(15)), undefined)
  })
})
