import { type Account, accountOf } from '../../../../enclave-runtime/guest/accounts/account.ts'
import { meaningOf } from '../../../../enclave-runtime/guest/accounts/activity-log.ts'
import type { GuestSettings } from '../../../../enclave-runtime/guest/settings.ts'
import type { SignRequest } from '../../../../enclave-runtime/guest/signing/signing-plan.ts'
import { DEFAULT_OPERATOR_SETTINGS } from '../../../../enclave-runtime/port/guest-settings.ts'
import type { LeadReply } from '../../../../enclave-runtime/port/messages.ts'
import { decodeKeyCertificate } from '../../../../protocols/keygen/key-certificate.ts'
import { fromBase64url } from '../../../../protocols/request/base64url.ts'
import { intentOf } from '../../../../protocols/request/intents/intent.ts'
import { methodNamed, parseParams } from '../../../../protocols/request/methods.ts'
import { decodePlainRequest } from '../../../../protocols/request/plain-request.ts'
import { MESSAGE_TYPES, ROUND_NUMBERS } from '../../../../protocols/session/numbers.ts'
import { Online } from '../../../../protocols/sign/messages.ts'
import { type Carried, GuestNet, type NetOptions, type Tamper } from '../guest-net.ts'
import { TestClient } from '../test-client.ts'

const SETTLED_MS = 1_000

const settings = (keep: number): GuestSettings => ({
  correlations: { low: 0, high: 0 },
  presignatures: { keep, warmMinutes: 5 },
  readyKeys: 0,
  background: { cpuPercent: 100, mbitPerSecond: 10_000 },
  operator: DEFAULT_OPERATOR_SETTINGS,
})

/** Guests with one account, whose letters are written down. */
export class WarmNet {
  readonly net: GuestNet
  readonly client: TestClient
  /** Every letter that left a guest since the last `forget`. */
  letters: Carried[] = []
  tamper: Tamper = (carried) => [carried]
  readonly #accounts = new Map<TestClient, Account>()
  #number = 0

  private constructor(net: GuestNet, client: TestClient) {
    this.net = net
    this.client = client
    net.tamper = (carried) => {
      this.letters.push({ ...carried, letter: copyOf(carried.letter) })
      return this.tamper(carried)
    }
  }

  /** Guest 1 keeps so many presignatures for the account with these signers once it has led a signature. */
  static async create(seed: string, keep: number, options: NetOptions = {}): Promise<WarmNet> {
    const net = await GuestNet.ready(seed, { n: 4, t: 3, settings: settings(keep), ...options })
    const warm = new WarmNet(net, new TestClient(seed))
    await warm.open(warm.client)
    return warm
  }

  /** An account for this client, made through guest 1. */
  async open(client: TestClient): Promise<void> {
    const { net } = this
    const created = await net.run(net.guest(1).member.lead(client.create(), everyone(net)))
    client.adopt(created)
    const { certificate } = (created as unknown as { result: { certificate: string } }).result
    const { credential } = parseParams('holdfast_createAccount', {
      credential: client.credential(),
    })
    const id = client.accountId ?? new Uint8Array(16)
    const key = decodeKeyCertificate(fromBase64url(certificate))
    this.#accounts.set(client, accountOf(id, new Uint8Array(32), credential, key))
    await net.calm()
  }

  /** What an honest guest makes of this client's request. */
  asked(client: TestClient, bytes: Uint8Array): SignRequest {
    const account = this.#accounts.get(client)
    if (account === undefined) throw new Error('no account')
    const request = decodePlainRequest(bytes)
    const { method, params } = request.core
    const intent = intentOf(methodNamed(method), params, account.address)
    return { kind: 'sign', request, account, intent, meaning: meaningOf(request.core) }
  }

  /** A request that nobody has seen. */
  request(client: TestClient = this.client): Uint8Array {
    const iat = Math.floor(this.net.clock.unixMs() / 1000)
    const text = `0x${(++this.#number).toString(16).padStart(4, '0')}`
    return client.message(text, { iat, exp: iat + 200 })
  }

  lead(request: Uint8Array, signers: readonly number[], at: number = 1): Promise<LeadReply> {
    const plan = { attempt: 0, signers, budgetMs: 10_000 }
    return this.net.run(this.net.guest(at).member.lead(request, plan))
  }

  /** A signature, as `form`, `fault parties` or an error id. */
  async sign(signers: readonly number[] = [1, 2, 3], at: number = 1): Promise<string> {
    this.net.clock.pass(1_000) // an account signs once a second
    return textOf(await this.lead(this.request(), signers, at))
  }

  own(at: number): number {
    return this.net.guest(at).member.status().presignatures.own
  }

  held(at: number): number {
    return this.net.guest(at).member.status().presignatures.held
  }

  /** Lets guest 1 fill up, after one signature in full. */
  async warm(count: number, signers: readonly number[] = [1, 2, 3]): Promise<void> {
    if (this.own(1) < count) await this.sign(signers)
    await this.net.until(() => this.own(1) >= count)
    await this.net.calm()
    this.net.clock.pass(SETTLED_MS)
    this.letters = []
  }

  /** Digests under which a guest used one presignature, by guest and presignature: one each, or it is lost. */
  uses(): Map<string, Set<string>> {
    const uses = new Map<string, Set<string>>()
    for (const { from, letter } of this.letters) {
      if (letter.type !== MESSAGE_TYPES.round || letter.round !== ROUND_NUMBERS['sign/online'])
        continue
      const { presignatureId, onlineSid } = Online.decode(letter.body)
      const place = `${from}/${hex(presignatureId)}`
      uses.set(place, (uses.get(place) ?? new Set()).add(hex(onlineSid)))
    }
    return uses
  }
}

export function textOf(reply: LeadReply): string {
  if (reply.kind === 'done') return reply.form ?? 'known'
  return reply.kind === 'failed' ? `${reply.fault} ${reply.parties.join()}`.trim() : reply.id
}

const everyone = (net: GuestNet) => ({
  attempt: 0,
  signers: net.guests.map(({ index }) => index),
  budgetMs: 120_000,
})

const copyOf = (letter: Carried['letter']): Carried['letter'] => ({
  ...letter,
  body: letter.body.slice(),
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
