import { compareBytes } from '../../../protocols/agreement/compare-bytes.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { MESSAGE_TYPES } from '../../../protocols/session/numbers.ts'
import type { CertifiedKeys } from '../keys/certified-keys.ts'
import type { HeldKeys } from '../keys/held-keys.ts'
import type { ReadyKeys } from '../keys/ready-keys.ts'
import type { Letter } from '../sessions/post.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import {
  type AccountAnswer,
  type AccountAsk,
  answerLetter,
  decodeAsk,
  PAGE,
  type ToldAccount,
  type ToldKey,
} from './account-letters.ts'
import type { AccountStore } from './account-store.ts'

/** Answers to one member that are on their way: it asks for the next page when it has one. */
const MAX_ANSWERS = 2

export interface AccountSourceInit {
  readonly router: SessionRouter
  readonly accounts: Pick<AccountStore, 'get'>
  readonly certified: Pick<CertifiedKeys, 'idsAfter'>
  readonly ready: Pick<ReadyKeys, 'all' | 'ownerOf'>
  readonly held: Pick<HeldKeys, 'certificate'>
  readonly onError: (error: unknown) => void
}

/** Tells members what a newcomer has to know, page by page: accounts, and ready keys that may become those of accounts. */
export class AccountSource {
  readonly #init: AccountSourceInit
  readonly #answering = new Map<PartyIndex, number>()

  constructor(init: AccountSourceInit) {
    this.#init = init
    init.router.on(MESSAGE_TYPES.accountsAsk, (from, letter) => this.#take(from, letter))
  }

  #take(from: PartyIndex, { body }: Letter): void {
    const running = this.#answering.get(from) ?? 0
    const ask = decoded(body)
    if (ask === undefined || running >= MAX_ANSWERS) return
    this.#answering.set(from, running + 1)
    this.#answer(from, ask)
      .catch(this.#init.onError)
      .finally(() => this.#answering.set(from, (this.#answering.get(from) ?? 1) - 1))
  }

  async #answer(from: PartyIndex, ask: AccountAsk): Promise<void> {
    const page = ask.of === 'accounts' ? await this.#accounts(ask) : await this.#keys(ask)
    await this.#init.router.send(from, answerLetter(page))
  }

  async #accounts({ of, after }: AccountAsk): Promise<AccountAnswer> {
    const { certified, accounts } = this.#init
    const ids = certified.idsAfter(after, PAGE)
    const found: ToldAccount[] = []
    for (const id of ids) {
      const account = await accounts.get(id)
      if (account === undefined) continue // its key is not decided yet
      const { digest, credential, certificate } = account
      found.push({ id, digest, credential, certificate })
    }
    // Where one is left out, the asker goes on behind the last that was looked at.
    const last = ids.at(-1)
    const more = ids.length === PAGE && last !== undefined
    return { of, after: last ?? after, accounts: found, keys: [], more }
  }

  async #keys({ of, after }: AccountAsk): Promise<AccountAnswer> {
    const { ready, held } = this.#init
    const all = [...ready.all].sort(compareBytes).filter((id) => compareBytes(id, after) > 0)
    const keys: ToldKey[] = []
    for (const keyId of all.slice(0, PAGE)) {
      const owner = ready.ownerOf(keyId)
      if (owner !== undefined) keys.push({ owner, certificate: await held.certificate(keyId) })
    }
    const last = all.at(Math.min(PAGE, all.length) - 1)
    return { of, after: last ?? after, accounts: [], keys, more: all.length > PAGE }
  }
}

function decoded(body: Uint8Array): AccountAsk | undefined {
  try {
    return decodeAsk(body)
  } catch (cause) {
    if (cause instanceof DecodeError) return undefined // it asks nothing
    throw cause
  }
}
