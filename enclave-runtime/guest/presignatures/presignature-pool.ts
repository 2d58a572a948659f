import type { Handle } from '../../../protocols/kernel/kernel.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import type { Presignature } from '../../../protocols/sign/presign.ts'

/** Outstanding ones of one derived key (02 §6.3). Every member may own its share of them, and one at least. */
export const MAX_PER_KEY = 64
/** Of one epoch, half of the kernel's slots: about 300 B each. Every member may have its share of them. */
export const MAX_PRESIGNATURES = 1_280
/** 02 §6.3, in monotonic ms. */
const MAX_AGE_MS = 24 * 3_600_000
/** Its owner stops naming one a little earlier, so that nobody finds it too old on the way. */
const NAMED_BEFORE_MS = MAX_AGE_MS - 60_000
/** Nor at once: the others may still be at their last check when the owner is done. */
const SETTLES_MS = 250

/** What a signature needs a presignature to be for; another path, key, signer set or epoch is another one (02 §10). */
export interface Purpose {
  readonly keyId: Uint8Array
  readonly path: readonly number[]
  /** P', 33 bytes. */
  readonly publicKey: Uint8Array
  readonly signers: readonly PartyIndex[]
  readonly epochId: Uint8Array
}

/** A presignature with what it is bound to beside its own fields. */
export interface MadePresignature {
  readonly presignature: Presignature
  /** Who led its making: only an attempt led by it may name the presignature (03 §9.1). */
  readonly owner: PartyIndex
  readonly epochId: Uint8Array
  /** By other signer: the pair setup that it was made with. */
  readonly setupIds: ReadonlyMap<PartyIndex, Uint8Array>
}

interface Held extends MadePresignature {
  /** Monotonic ms. */
  readonly madeAt: number
  /** `ready → named → gone`, and no way back: a named one serves the session that named it, or none. */
  state: 'ready' | 'named'
}

export interface PresignaturePoolInit {
  readonly me: PartyIndex
  /** Members of the committee. */
  readonly members: number
  readonly monotonicMs: () => number
  /** The id of the setup with this peer that may be used now. */
  readonly setupId: (peer: PartyIndex) => Uint8Array | undefined
  readonly wipe: (secret: Handle<'presignature'>) => void
  /** One that its owner never named gave way to the next one. */
  readonly onReplaced: (owner: PartyIndex, signers: readonly PartyIndex[]) => void
}

/**
 * Signatures but for their digest, in memory alone (02 §6.3). Each is taken at most once: taking is removing, in
 * one synchronous function, and what a session named is gone when the session is, used or not. Nothing here is
 * a right to sign: who takes one has authorised the request, and made its record durable, before.
 */
export class PresignaturePool {
  readonly #init: PresignaturePoolInit
  /** By id, oldest first. */
  readonly #held = new Map<string, Held>()
  readonly #ofKey = new Map<string, Set<Held>>()
  readonly #ofOwner = new Map<PartyIndex, number>()

  constructor(init: PresignaturePoolInit) {
    this.#init = init
  }

  /**
   * Whether there is room for one more of this owner and key. Another guest's oldest one makes room: if it is
   * still there, its owner may have lost it on the way.
   */
  hasRoom(owner: PartyIndex, key: Pick<Purpose, 'keyId' | 'path'>): boolean {
    return this.#roomFor(owner, key) !== undefined
  }

  /** How many more of a key this guest may own. */
  roomForOwn({ keyId, path }: Pick<Purpose, 'keyId' | 'path'>): number {
    this.#dropOld()
    const { me } = this.#init
    const ofKey = [...(this.#ofKey.get(keyOf({ keyId, path })) ?? [])]
    const own = ofKey.filter(({ owner }) => owner === me).length
    return Math.max(0, Math.min(this.#perKey - own, this.ownShare - (this.#ofOwner.get(me) ?? 0)))
  }

  /** How many this guest may own in all. */
  get ownShare(): number {
    return Math.floor(MAX_PRESIGNATURES / this.#init.members)
  }

  /** Keeps one that was just made; false, and it is wiped, where there is no room or a setup has changed meanwhile. */
  put(made: MadePresignature): boolean {
    const { presignature, owner } = made
    const { id, keyId, derived } = presignature
    const key = { keyId, path: derived.path }
    const held: Held = { ...made, madeAt: this.#init.monotonicMs(), state: 'ready' }
    const room = this.#roomFor(owner, key)
    if (room === undefined || this.#held.has(hex(id)) || !this.#isCurrent(held)) {
      this.#wipe(held)
      return false
    }
    for (const oldest of room) {
      this.#drop(oldest)
      this.#init.onReplaced(owner, oldest.presignature.signers)
    }
    this.#held.set(hex(id), held)
    const ofKey = this.#ofKey.get(keyOf(key)) ?? new Set()
    this.#ofKey.set(keyOf(key), ofKey.add(held))
    this.#ofOwner.set(owner, (this.#ofOwner.get(owner) ?? 0) + 1)
    return true
  }

  /** How many of its own this guest could name now for this purpose. */
  ready(purpose: Purpose): number {
    return this.#own(purpose, 0).filter((held) => fits(held, purpose)).length
  }

  /** Whether this owner could name one of this key. */
  hasReady(owner: PartyIndex, { keyId, path }: Pick<Purpose, 'keyId' | 'path'>): boolean {
    const ofKey = [...(this.#ofKey.get(keyOf({ keyId, path })) ?? [])]
    return ofKey.some((held) => held.owner === owner && held.state === 'ready')
  }

  /** The signer set of the newest presignature of this key that this guest may name. */
  signersFor(key: Pick<Purpose, 'keyId' | 'path'>): readonly PartyIndex[] | null {
    return this.#own(key, SETTLES_MS).at(-1)?.presignature.signers ?? null
  }

  /** Names the oldest of its own that fits, for one session led here: its id. */
  nameOwn(purpose: Purpose): Uint8Array | undefined {
    const held = this.#own(purpose, SETTLES_MS).find((own) => fits(own, purpose))
    if (held === undefined) return undefined
    held.state = 'named'
    return held.presignature.id
  }

  /** `opener` names one for its session; false when it has none of this id that nobody named before. */
  name(id: Uint8Array, opener: PartyIndex): boolean {
    this.#dropOld()
    const held = this.#held.get(hex(id))
    if (held === undefined || held.owner !== opener || held.state !== 'ready') return false
    held.state = 'named'
    return true
  }

  /** Whether the one that was named is for exactly this, and all its setups are in place. */
  isFor(id: Uint8Array, purpose: Purpose): boolean {
    const held = this.#held.get(hex(id))
    return held !== undefined && fits(held, purpose) && this.#isCurrent(held)
  }

  /** Takes what the caller's session named: taking is removing, in one turn. Undefined when it fell meanwhile. */
  take(id: Uint8Array): Presignature | undefined {
    const held = this.#held.get(hex(id))
    if (held?.state !== 'named') return undefined
    this.#remove(held)
    if (this.#isCurrent(held)) return held.presignature
    this.#wipe(held)
    return undefined
  }

  /** The session that named it is over: what it did not take is wiped. */
  spend(id: Uint8Array): void {
    const held = this.#held.get(hex(id))
    if (held?.state === 'named') this.#drop(held)
  }

  /** The setup with this peer is gone or new, its guest restarted, or the pair is banned: nothing made with it stays. */
  dropWith(peer: PartyIndex): void {
    for (const held of this.#held.values())
      if (held.presignature.signers.includes(peer)) this.#drop(held)
  }

  /** These two are banned from multiplying with each other: what both had a part in is no use any more (02 §6.3). */
  dropWithBoth([a, b]: readonly [PartyIndex, PartyIndex]): void {
    for (const held of this.#held.values()) {
      const { signers } = held.presignature
      if (signers.includes(a) && signers.includes(b)) this.#drop(held)
    }
  }

  /** The end of the guest or of the epoch. */
  dropAll(): void {
    for (const held of this.#held.values()) this.#drop(held)
  }

  /** How many this guest may name, and how many it holds in all. */
  get counts(): { readonly own: number; readonly held: number } {
    this.#dropOld()
    const mine = [...this.#held.values()].filter(
      ({ owner, state }) => owner === this.#init.me && state === 'ready',
    )
    return { own: mine.length, held: this.#held.size }
  }

  /** Of one owner and key. */
  get #perKey(): number {
    return Math.max(1, Math.floor(MAX_PER_KEY / this.#init.members))
  }

  /** What gives way to one more, nothing where there is room; undefined when nothing may. */
  #roomFor(owner: PartyIndex, key: Pick<Purpose, 'keyId' | 'path'>): Held[] | undefined {
    this.#dropOld()
    const { me } = this.#init
    const ofKey = [...(this.#ofKey.get(keyOf(key)) ?? [])].filter((held) => held.owner === owner)
    const isFullOfKey = ofKey.length >= this.#perKey
    const isFull = (this.#ofOwner.get(owner) ?? 0) >= this.ownShare
    if (!isFullOfKey && !isFull) return []
    const theirs = isFullOfKey ? ofKey : [...this.#held.values()]
    const oldest = theirs.find((held) => held.owner === owner && held.state === 'ready')
    return oldest === undefined || owner === me ? undefined : [oldest]
  }

  /** Own ones of a key that may be named, oldest first. */
  #own(key: Pick<Purpose, 'keyId' | 'path'>, settledMs: number): Held[] {
    const { me, monotonicMs } = this.#init
    const now = monotonicMs()
    return [...(this.#ofKey.get(keyOf(key)) ?? [])].filter(
      ({ owner, state, madeAt }) =>
        owner === me &&
        state === 'ready' &&
        now - madeAt >= settledMs &&
        now - madeAt < NAMED_BEFORE_MS,
    )
  }

  /** Young enough, and made with the setups that are in place now. */
  #isCurrent({ madeAt, setupIds }: Held): boolean {
    const { monotonicMs, setupId } = this.#init
    if (monotonicMs() - madeAt >= MAX_AGE_MS) return false
    return [...setupIds].every(([peer, id]) => equal(setupId(peer), id))
  }

  #dropOld(): void {
    const oldest = this.#init.monotonicMs() - MAX_AGE_MS
    for (const held of this.#held.values()) {
      if (held.madeAt > oldest) return // the others are younger
      this.#drop(held)
    }
  }

  #drop(held: Held): void {
    this.#remove(held)
    this.#wipe(held)
  }

  #remove(held: Held): void {
    const { presignature, owner } = held
    const key = keyOf({ keyId: presignature.keyId, path: presignature.derived.path })
    const ofKey = this.#ofKey.get(key)
    this.#held.delete(hex(presignature.id))
    ofKey?.delete(held)
    if (ofKey?.size === 0) this.#ofKey.delete(key)
    const left = (this.#ofOwner.get(owner) ?? 1) - 1
    if (left === 0) this.#ofOwner.delete(owner)
    else this.#ofOwner.set(owner, left)
  }

  #wipe({ presignature }: Held): void {
    const secret = presignature.take()
    if (secret !== undefined) this.#init.wipe(secret)
  }
}

function fits({ presignature, epochId }: Held, purpose: Purpose): boolean {
  const { keyId, derived, signers } = presignature
  return (
    equal(keyId, purpose.keyId) &&
    derived.path.join() === purpose.path.join() &&
    equal(derived.publicKey, purpose.publicKey) &&
    signers.join() === purpose.signers.join() &&
    equal(epochId, purpose.epochId)
  )
}

const equal = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && Buffer.from(a).equals(b)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const keyOf = ({ keyId, path }: Pick<Purpose, 'keyId' | 'path'>): string =>
  `${hex(keyId)}/${path.join('/')}`
