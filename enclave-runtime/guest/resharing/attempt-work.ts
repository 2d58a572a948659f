import { ed25519 } from '@noble/curves/ed25519.js'
import type { HeldKey } from '../../../protocols/agreement/epoch/held-key.ts'
import { FAULT_CODES } from '../../../protocols/agreement/objects/attempt.ts'
import type { Breathe } from '../../../protocols/crypto/breathe.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import { certificateMessage } from '../../../protocols/keygen/key-certificate.ts'
import { DecodeError } from '../../../protocols/session/codec.ts'
import type { PartyIndex } from '../../../protocols/session/faults.ts'
import { type Committee, guestsOf } from '../committee.ts'
import type { AttemptFacts } from '../epochs/epoch-work.ts'
import type { Clock } from '../sessions/clock.ts'
import type { Letter } from '../sessions/post.ts'
import type { SessionRouter } from '../sessions/session-router.ts'
import { everyoneOf } from './attempt-plan.ts'
import { BaseKeys } from './base-keys.ts'
import { DONE, decodeDone, decodeJoin, decodeOpen, JOIN, OPEN } from './chunk-letters.ts'
import { ChunkMaker, doneLetter } from './chunk-maker.ts'
import { type ChunkMaking, type MakingInit, resharing, rootMaking } from './chunk-making.ts'
import { ChunkStore, type WorkVault } from './chunk-store.ts'

/** Chunks of one attempt that are made at once (03 §6.4). */
const MAX_AT_ONCE = 4

/** What the making of chunks needs of a forming room. */
export interface FormingRoom {
  readonly committee: Committee
  readonly router: SessionRouter
  /** Who takes openings of this name, the first item of their body. */
  on(name: string, take: (from: PartyIndex, letter: Letter) => void): void
}

export interface AttemptWorkInit {
  readonly facts: AttemptFacts
  readonly room: FormingRoom
  readonly vault: WorkVault
  readonly kernel: Kernel
  readonly random: Random
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly breathe: Breathe
  /** A key under START's cut or in TAIL. */
  readonly known: (keyId: Uint8Array) => HeldKey | undefined
  readonly onError: (error: unknown) => void
}

/** How a chunk ended here. */
export type ChunkEnd =
  | { readonly transcript: Uint8Array }
  | { readonly code: typeof FAULT_CODES.chunk; readonly about: PartyIndex }

/** The chunks of one attempt at this member: at most four at once, those with the lowest numbers first. */
export class AttemptWork {
  readonly facts: AttemptFacts
  readonly store: ChunkStore
  readonly #init: AttemptWorkInit
  readonly #makers = new Map<number, ChunkMaker>()

  constructor(init: AttemptWorkInit) {
    const { facts, room, vault, kernel, breathe } = init
    const { me, quorum, committeeId, guests } = room.committee
    this.#init = init
    this.facts = facts
    this.store = new ChunkStore({
      ...{ vault, kernel, breathe, committeeId, quorum },
      epoch: facts.epoch,
      epochId: facts.epochId,
      me: me.index,
      receivers: guests.map(({ index }) => index),
    })
    room.on(JOIN, (from, letter) => this.#decoded(() => this.#takeJoin(from, letter)))
    room.on(OPEN, (from, letter) => this.#decoded(() => this.#takeOpen(from, letter)))
    room.on(DONE, (from, letter) => this.#decoded(() => this.#takeDone(from, letter)))
  }

  get committee(): Committee {
    return this.#init.room.committee
  }

  /** Asked for once; `onEnd` is called once, unless `close` is before. */
  chunk(chunk: number, keyIds: readonly Uint8Array[], onEnd: (end: ChunkEnd) => void): void {
    const { base } = this.facts
    const { vault, kernel, known, breathe } = this.#init
    const keys = new BaseKeys({ vault, kernel, base, known, breathe })
    this.#make(resharing(this.#making(), keys, chunk, keyIds), onEnd)
  }

  /** The root key of the genesis epoch. */
  root(onEnd: (end: ChunkEnd) => void): void {
    this.#make(rootMaking(this.#making()), onEnd)
  }

  close(): void {
    for (const maker of this.#makers.values()) maker.close()
  }

  #make(making: ChunkMaking, onEnd: (end: ChunkEnd) => void): void {
    if (this.#makers.has(making.chunk)) return
    const done = this.store.get(making.chunk)
    if (done?.stage === 'done') {
      onEnd({ transcript: done.transcript })
      return
    }
    const { room, clock, random, onError } = this.#init
    const { me, guests } = room.committee
    const { oldMembers } = this.facts
    const receivers = guests.map(({ index }) => index)
    const stays = (index: PartyIndex) => oldMembers.some((member) => member.index === index)
    const ended = (end: ChunkEnd) => {
      onEnd(end)
      this.#fill()
    }
    const maker = new ChunkMaker({
      ...{ me: me.index, making, receivers, clock, random, onError },
      everyone: everyoneOf(this.facts).map(({ index }) => index),
      stayers: receivers.filter(stays),
      router: room.router,
      store: this.store,
      verifies: (from, transcript, signature) => this.#verifies(from, transcript, signature),
      onDone: (transcript) => ended({ transcript }),
      onFailed: (about) => ended({ code: FAULT_CODES.chunk, about }),
    })
    this.#makers.set(making.chunk, maker)
    // A chunk that was begun before this process started is never begun again (02 §8).
    if (done !== undefined) maker.fail()
    this.#fill()
  }

  #fill(): void {
    const open = [...this.#makers].filter(([, maker]) => !maker.isOver).sort(([a], [b]) => a - b)
    for (const [, maker] of open.slice(0, MAX_AT_ONCE)) maker.start()
  }

  #takeJoin(from: PartyIndex, { body }: Letter): void {
    const join = decodeJoin(body)
    const answer = doneLetter(this.store, join.chunk)
    if (answer === undefined) this.#makers.get(join.chunk)?.takeJoin(from, join)
    else void this.#init.room.router.send(from, answer)
  }

  #takeOpen(from: PartyIndex, letter: Letter): void {
    const open = decodeOpen(letter.body)
    this.#makers.get(open.chunk)?.takeOpen(from, letter, open)
  }

  #takeDone(_from: PartyIndex, { body }: Letter): void {
    const done = decodeDone(body)
    this.#makers.get(done.chunk)?.takeDone(done)
  }

  /** A broken letter tells nothing. */
  #decoded(take: () => void): void {
    try {
      take()
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }

  #making(): MakingInit {
    const { room, vault, kernel, random, breathe } = this.#init
    const { networkId, committeeId, me, guests, quorum } = room.committee
    return {
      ...{ networkId, committeeId, quorum, kernel, random, breathe },
      facts: this.facts,
      me: me.index,
      everyone: guestsOf(everyoneOf(this.facts)),
      receivers: guests,
      store: this.store,
      certify: (transcript) => vault.sign(certificateMessage(networkId, transcript)),
      verifies: (from, transcript, signature) => this.#verifies(from, transcript, signature),
    }
  }

  /** K4 of anybody of both committees. */
  #verifies(from: PartyIndex, transcript: Uint8Array, signature: Uint8Array): boolean {
    const member = everyoneOf(this.facts).find(({ index }) => index === from)
    if (member === undefined) return false
    const message = certificateMessage(this.#init.room.committee.networkId, transcript)
    return ed25519.verify(signature, message, member.guestSig, { zip215: false })
  }
}
