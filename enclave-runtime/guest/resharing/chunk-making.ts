import type { Breathe } from '../../../protocols/crypto/breathe.ts'
import type { Random } from '../../../protocols/crypto/random.ts'
import type { Kernel } from '../../../protocols/kernel/kernel.ts'
import { generateKeys } from '../../../protocols/keygen/generate-keys.ts'
import { reshareKeys } from '../../../protocols/reshare/reshare-keys.ts'
import { type PartyIndex, ProtocolError } from '../../../protocols/session/faults.ts'
import type { Guest } from '../../../protocols/session/guest.ts'
import { FORMS, instanceId, KINDS } from '../../../protocols/session/instance.ts'
import type { Party } from '../../../protocols/session/round.ts'
import { SECP256K1 } from '../../../protocols/sharing/key-record.ts'
import type { AttemptFacts } from '../epochs/epoch-work.ts'
import type { SessionSpec } from '../sessions/session.ts'
import type { BaseKeys } from './base-keys.ts'
import type { SubAttempt } from './chunk-letters.ts'
import type { ChunkStore } from './chunk-store.ts'
import { dealersWithout } from './dealer-set.ts'

/** A conversation that gives a list of keys its shares of the new epoch: made again if it fails, or made once and for all. */
export interface ChunkMaking {
  readonly chunk: number
  /** Who deals in this sub-attempt; undefined if no rule allows it. */
  dealers(of: SubAttempt): readonly PartyIndex[] | undefined
  /** Whether this member has all that it needs of the epoch before to be no newcomer. */
  knowsKeys(): Promise<boolean>
  session(of: SubAttempt, nonce: Uint8Array): Omit<SessionSpec, 'deadlineMs'>
  /** K1 to K4; the chunk is done when it resolves with T. Throws `ProtocolError`, `VaultError`. */
  run(party: Party, of: SubAttempt): Promise<Uint8Array>
  isRoot(publicKey: Uint8Array): boolean
}

export interface MakingInit {
  readonly facts: AttemptFacts
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  readonly me: PartyIndex
  /** Everybody of both committees, in party order. */
  readonly everyone: readonly Guest[]
  readonly receivers: readonly Guest[]
  readonly quorum: number
  readonly store: ChunkStore
  readonly kernel: Kernel
  readonly random: Random
  readonly breathe: Breathe
  certify(transcript: Uint8Array): Uint8Array
  verifies(from: PartyIndex, transcript: Uint8Array, signature: Uint8Array): boolean
}

/** 02 §8: keys of the epoch before, dealt again by t of its members. */
export function resharing(
  init: MakingInit,
  base: BaseKeys,
  chunk: number,
  keyIds: readonly Uint8Array[],
): ChunkMaking {
  const { facts, store, kernel, random, breathe, receivers, me } = init
  const old = facts.oldMembers.map(({ index }) => index)
  const newcomers = (lost: readonly PartyIndex[]) =>
    receivers
      .map(({ index }) => index)
      .filter((index) => !old.includes(index) || lost.includes(index))
  const isRoot = (publicKey: Uint8Array) =>
    facts.rootKey !== null && Buffer.from(facts.rootKey).equals(publicKey)
  return {
    chunk,
    isRoot,
    dealers: ({ failed, lost }) => {
      const dealers = dealersWithout(facts, failed)
      return dealers?.some((index) => lost.includes(index)) ? undefined : dealers
    },
    knowsKeys: async () => !old.includes(me) || (await base.keys(keyIds)) !== undefined,
    session: (of, nonce) => {
      const dealers = guestsOf(init.everyone, dealersWithout(facts, of.failed) ?? [])
      return specOf(init, KINDS.reshare, of, nonce, {
        dealers,
        keyIds,
        chunk,
        count: keyIds.length,
      })
    },
    run: async (party, of) => {
      const dealers = guestsOf(init.everyone, dealersWithout(facts, of.failed) ?? [])
      const isNew = newcomers(of.lost).includes(me)
      const keys = isNew ? undefined : await base.keys(keyIds)
      if (!isNew && keys === undefined)
        throw new ProtocolError({ kind: 'cancelled', round: 'session/open' }) // they were here when it was told so
      const deals = dealers.some(({ index }) => index === me)
      const shares = deals ? await base.shares(keyIds) : undefined
      try {
        const made = await reshareKeys(
          party,
          {
            ...{ kernel, random, breathe },
            mark: () => store.mark(chunk, of),
            vouched: (key) => base.vouched(key),
            storePending: (pending) => store.pending(chunk, pending),
            storeProofs: (_, proofs) => store.proved(chunk, proofs),
            certify: async (transcript) => init.certify(transcript),
            verifyCertificate: init.verifies,
          },
          {
            oldThreshold: facts.oldThreshold,
            threshold: facts.threshold,
            ...{ dealers, receivers, keyIds },
            newcomers: newcomers(of.lost),
            ...(keys && { keys }),
            ...(shares && { shares }),
          },
        )
        for (const share of made.shares) kernel.wipe(share) // the vault has them
        const root = made.keys.find(({ publicKey }) => isRoot(publicKey))
        await store.certified(chunk, made, made.signatures, root)
        return made.transcript
      } finally {
        for (const share of shares ?? []) kernel.wipe(share)
      }
    },
  }
}

/** The root key of the genesis epoch, by a generation among all (03 §1.2): stored like a chunk, the only one. */
export function rootMaking(init: MakingInit): ChunkMaking {
  const { facts, networkId, committeeId, receivers, store, kernel, random, breathe } = init
  const { epochId, threshold } = facts
  const chunk = 0
  return {
    chunk,
    isRoot: () => true,
    dealers: ({ failed, lost }) =>
      failed.length + lost.length > 0 ? undefined : receivers.map(({ index }) => index),
    knowsKeys: async () => true,
    session: (of, nonce) =>
      specOf(init, KINDS.keygen, of, nonce, { dealers: receivers, chunk, count: 1 }),
    run: async (party, of) => {
      const made = await generateKeys(
        party,
        {
          ...{ kernel, random, breathe },
          storePending: async (pending) => {
            await store.mark(chunk, of)
            await store.pending(chunk, pending)
          },
          storeProofs: (_, proofs) => store.proved(chunk, proofs),
          certify: async (transcript) => init.certify(transcript),
          verifyCertificate: init.verifies,
        },
        {
          ...{ networkId, committeeId, epochId, threshold },
          ...{ count: 1, guests: receivers, quorum: init.quorum },
        },
      )
      for (const share of made.shares) kernel.wipe(share)
      const [certificate] = made.certificates
      if (certificate === undefined) throw new Error('bug: the root key is not certified')
      await store.certified(chunk, made, certificate.signatures, made.keys[0])
      return made.transcript
    },
  }
}

interface OfSession {
  readonly dealers: readonly Guest[]
  readonly keyIds?: readonly Uint8Array[]
  readonly chunk: number
  readonly count: number
}

function specOf(
  { facts, networkId, receivers }: MakingInit,
  kind: typeof KINDS.reshare | typeof KINDS.keygen,
  { a }: SubAttempt,
  coordinatorNonce: Uint8Array,
  { dealers, keyIds, chunk, count }: OfSession,
): Omit<SessionSpec, 'deadlineMs'> {
  const { epochId, threshold } = facts
  const instance = instanceId({
    kind,
    networkId,
    epochId,
    ...(keyIds && { keyIds }),
    participants: { dealers, receivers },
    params: { curve: SECP256K1, threshold, count, chunk, subAttempt: a },
    form: FORMS.none,
    attempt: a,
    coordinatorNonce,
  })
  const indices = new Set([...dealers, ...receivers].map(({ index }) => index))
  const everyone = [...indices].sort((x, y) => x - y)
  return { kind, instanceId: instance, attempt: a, everyone }
}

const guestsOf = (everyone: readonly Guest[], indices: readonly PartyIndex[]): Guest[] =>
  everyone.filter(({ index }) => indices.includes(index))
