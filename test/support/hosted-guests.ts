import childProcess, { type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { locateBundle } from '../../enclave-runtime/host/bundle.ts'
import type { Guest } from '../../enclave-runtime/host/guest.ts'
import { launchGuest } from '../../enclave-runtime/host/launch.ts'
import { openLevelStore } from '../../enclave-runtime/host/level-store.ts'
import type { RecordStore } from '../../enclave-runtime/host/record-store.ts'
import {
  DEFAULT_GUEST_SETTINGS,
  type GuestSettings,
} from '../../enclave-runtime/port/guest-settings.ts'
import { networkIdOf } from '../../protocols/agreement/genesis.ts'
import { uuidBytes } from '../../protocols/request/account-id.ts'
import { encodePlainRequest } from '../../protocols/request/plain-request.ts'
import { buildRequest } from '../../src/sdk/build-request.ts'
import { keySigner } from '../../src/sdk/key-signer.ts'
import type { Account } from '../../src/sdk/verify-account.ts'
import type { RealNetwork } from './network.ts'

const SETUPS_MS = 120_000

/** All guests of a stopped network, hosted by the test itself, which records every byte that crosses a port. */
export interface HostedGuests {
  readonly guestSig: Uint8Array
  /** In order of their indices. */
  readonly guests: readonly Guest[]
  sign(account: Account, pkcs8: Uint8Array): Promise<void>
  /** A request for a signature over this text, signed by the account's key. */
  request(account: Account, pkcs8: Uint8Array, text: string): Promise<Uint8Array>
  traffic(): Buffer
  stop(): Promise<void>
}

export async function hostGuests(
  network: RealNetwork,
  settings: GuestSettings = DEFAULT_GUEST_SETTINGS,
): Promise<HostedGuests> {
  const chunks: Buffer[] = []
  const untap = tapChildren((chunk) => chunks.push(chunk))
  const nodes = (await network.state()).nodes
  const bundle = await locateBundle()
  const genesis = new Uint8Array(await readFile(join(nodes[0]?.dir ?? '', 'genesis.cbor')))
  const guests: Guest[] = []
  const stores: RecordStore[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(guests.map((guest) => guest.stop()))
    await Promise.all(stores.map((store) => store.close()))
    untap()
  }
  try {
    for (const { dir, peerId } of nodes) {
      const store = await openLevelStore(join(dir, 'records'))
      stores.push(store)
      const options = { bundle, store, genesis, peerId, keysDir: `${dir}.keys`, settings }
      guests.push(await launchGuest({ ...options, kernel: 'wasm', launcher: 'plain' }))
    }
    await connect(guests)
  } catch (error) {
    await stop()
    throw error
  }
  const [leader] = guests
  if (leader === undefined) throw new Error('no guests')
  return {
    guestSig: leader.hello.guestSig,
    guests,
    sign: (account, pkcs8) => sign(leader, genesis, account, pkcs8),
    request: (account, pkcs8, text) => requestFor(genesis, account, pkcs8, text),
    traffic: () => Buffer.concat(chunks),
    stop,
  }
}

/** Envelopes and letters go from guest to guest; all pairs set themselves up. */
async function connect(guests: readonly Guest[]): Promise<void> {
  for (const [at, guest] of guests.entries())
    guest.onEnvelope(async (to, bytes) => {
      await guests[to - 1]?.deliver(at + 1, bytes)
    })
  for (const guest of guests)
    guest.committee.onLetter((to, bytes) => {
      const receiver = guests.find(({ hello }) => Buffer.from(hello.guestSig).equals(to))
      receiver?.committee.letter(bytes).catch(() => undefined) // it is gone: the letter is lost
    })
  const everyone = guests.map((_, at) => at + 1)
  for (const [at, guest] of guests.entries())
    guest.links(everyone.filter((party) => party !== at + 1))
  const end = performance.now() + SETUPS_MS
  for (const guest of guests)
    for (;;) {
      const { pairs, ready } = await guest.status(AbortSignal.timeout(SETUPS_MS))
      if (ready && pairs.every(({ state }) => state === 'ready')) break
      if (performance.now() > end) throw new Error('the pairs did not set themselves up')
      await pause(100)
    }
}

async function sign(
  leader: Guest,
  genesis: Uint8Array,
  account: Account,
  pkcs8: Uint8Array,
): Promise<void> {
  const request = await requestFor(genesis, account, pkcs8, 'across the port')
  const signal = AbortSignal.timeout(SETUPS_MS)
  const reply = await leader.lead(
    request,
    { attempt: 0, signers: [1, 2], budgetMs: 30_000 },
    signal,
  )
  if (reply.kind !== 'done') throw new Error(`not signed: ${JSON.stringify(reply)}`)
}

async function requestFor(
  genesis: Uint8Array,
  account: Account,
  pkcs8: Uint8Array,
  text: string,
): Promise<Uint8Array> {
  const fields = {
    networkId: networkIdOf(genesis),
    accountId: uuidBytes(account.accountId),
    method: 'personal_sign',
    params: [text, account.address],
    idempotencyKey: undefined,
  } as const
  return encodePlainRequest(await buildRequest(fields, keySigner({ pkcs8 }), Date.now()))
}

/** Sees both directions of the pipes of every process that is started from now on. */
function tapChildren(see: (chunk: Buffer) => void): () => void {
  const original = childProcess.spawn
  const tapped = (...given: Parameters<typeof original>): ChildProcess => {
    const child = original(...given)
    const { stdin, stdout } = child
    if (stdin !== null) {
      const write = stdin.write.bind(stdin) as (...args: unknown[]) => boolean
      stdin.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
        see(Buffer.from(chunk))
        return write(chunk, ...rest)
      }) as typeof stdin.write
    }
    if (stdout !== null) {
      const push = stdout.push.bind(stdout)
      stdout.push = (chunk: Uint8Array | null, encoding) => {
        if (chunk !== null) see(Buffer.from(chunk))
        return push(chunk, encoding)
      }
    }
    return child
  }
  childProcess.spawn = tapped as typeof original
  syncBuiltinESMExports()
  return () => {
    childProcess.spawn = original
    syncBuiltinESMExports()
  }
}
