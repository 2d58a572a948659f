import { concatBytes } from '@noble/hashes/utils.js'
import type { Breathe } from '../crypto/breathe.ts'
import type { Random } from '../crypto/random.ts'
import type { AnyHandle, Handle, Kernel } from '../kernel/kernel.ts'
import { type PartyIndex, ProtocolError } from '../session/faults.ts'
import { type Guest, guestAt, inOrder } from '../session/guest.ts'
import { KINDS } from '../session/instance.ts'
import type { Party } from '../session/round.ts'
import { Scratch } from '../session/scratch.ts'
import {
  checkDealProofs,
  checkOpening,
  checkProofs,
  checkSession,
  checkShares,
  type Dealing,
  shareStatements,
} from '../sharing/checks.ts'
import {
  commitmentTo,
  dealSidOf,
  publicFieldsOf,
  publicHashOf,
  transcriptOf,
} from '../sharing/hashes.ts'
import { type KeyRecord, keyRecordHash } from '../sharing/key-record.ts'
import type { Commit } from '../sharing/messages.ts'
import { checkOwnShares, publicSharesOf, summedCommitment } from '../sharing/sums.ts'
import { castOf, indicesOf } from './cast.ts'
import {
  checkNoChainCode,
  checkShape,
  checkUnchanged,
  fixesConstants,
  NO_CHAIN_CODE,
} from './checks.ts'
import { exchangeCommits, exchangeDeals } from './exchange.ts'
import { rounds } from './messages.ts'
import { encodeKnown, introducedKeys, type KnownKey, type OldKey } from './old-keys.ts'

/** A key as the new epoch has it: the same P, chain code and X_D, another F. */
export interface ResharedKey extends KeyRecord {
  readonly deviceKey: Uint8Array
}

/** A chunk that was dealt but not certified yet. The old shares stay what they are until the epoch is decided. */
export interface PendingChunk {
  readonly sid: Uint8Array
  /** Everything behind sid that pub hashes: what shows, if it must be shown, what T is of. */
  readonly fields: readonly Uint8Array[]
  readonly pub: Uint8Array
  /** T, which K4 signs. */
  readonly transcript: Uint8Array
  readonly keys: readonly ResharedKey[]
  /** My new ones, per key; none for a dealer that leaves. Until `reshareKeys` returns they belong to the run. */
  readonly shares: readonly Handle<'share'>[]
}

export interface ResharedChunk extends PendingChunk {
  /** K4 of all who took part: index and Ed25519 signature over T, strictly increasing. */
  readonly signatures: readonly (readonly [PartyIndex, Uint8Array])[]
}

export interface ReshareCollaborators {
  readonly kernel: Kernel
  readonly random: Random
  /** Between the checks of two dealers, between two keys, and within what takes long. */
  readonly breathe: Breathe
  /** The marker of this chunk and sub-attempt is durable when it resolves: K2 leaves only then (02 §8). */
  mark(): Promise<void>
  /**
   * For newcomers: the key of this id when a key certificate of the old epoch, or the keys root of its certified
   * record, says that it has this F and this chain code. Never on a dealer's word.
   */
  vouched(key: KnownKey): Promise<OldKey | undefined>
  /** For receivers: durable, and read back, when it resolves: K3 leaves only then. */
  storePending(pending: PendingChunk): Promise<void>
  /** Durable when it resolves: K4 leaves only then. 65 bytes per key and receiver, own included. */
  storeProofs(pending: PendingChunk, proofs: ReadonlyMap<PartyIndex, Uint8Array>): Promise<void>
  /** My guest key's signature over `"holdfast/guest/deal/1" 00 networkId T`, 64 bytes. */
  certify(transcript: Uint8Array): Promise<Uint8Array>
  verifyCertificate(from: PartyIndex, transcript: Uint8Array, signature: Uint8Array): boolean
}

export interface ReshareParameters {
  readonly oldThreshold: number
  /** t' of the new committee. */
  readonly threshold: number
  /** O: exactly t members of the old epoch. */
  readonly dealers: readonly Guest[]
  /** N: the whole new committee, with the indices of its record. */
  readonly receivers: readonly Guest[]
  /** Receivers that do not know the keys: who joins, and whose share is repaired after it lost everything. */
  readonly newcomers: readonly PartyIndex[]
  /** Of the chunk, in order of b: at most 256, and keys × t' ≤ 2,048. */
  readonly keyIds: readonly Uint8Array[]
  /** What I hold of them, in the same order. A newcomer leaves it out. */
  readonly keys?: readonly OldKey[]
  /** A dealer's shares of the old epoch; they stay the caller's. */
  readonly shares?: readonly Handle<'share'>[]
}

const NOTHING = new Uint8Array()

/**
 * A chunk of keys gets new shares of the same secrets: reshare, refresh, repair and join are this one run, rounds K1
 * to K4 of 02 §8. Throws `ProtocolError`; then no secret of the run is left here. What `storePending` stored stays
 * until the attempt is decided.
 */
export async function reshareKeys(
  party: Party,
  collaborators: ReshareCollaborators,
  parameters: ReshareParameters,
): Promise<ResharedChunk> {
  const { me, instanceId } = party
  const { kernel, random, breathe } = collaborators
  const { oldThreshold, threshold, keyIds } = parameters
  checkShape(parameters, party)
  const cast = castOf(parameters.dealers, parameters.receivers, parameters.newcomers, me)
  const { mine, dealers, receivers, everyone, others, receives } = cast
  const otherDealers = dealers.filter((guest) => guest !== mine)
  const count = keyIds.length
  const round = rounds(oldThreshold, threshold, count)
  const scratch = new Scratch<AnyHandle>((handle) => kernel.wipe(handle))
  const buffers: Uint8Array[] = []
  try {
    // K1. A dealer promises polynomials whose constants are its shares times its weight.
    const dealt = cast.deals ? await beginDeal(collaborators, parameters, me, scratch) : undefined
    const opening = {
      blind: dealt === undefined ? NOTHING : random(32),
      chainCode: NO_CHAIN_CODE,
      F: dealt?.F ?? NOTHING,
    }
    const myCommit: Commit = {
      nonce: random(32),
      commitment:
        dealt === undefined ? NOTHING : commitmentTo(instanceId, mine.id, opening, kernel.oracle),
    }
    const commitOf = await exchangeCommits(party, round, cast, myCommit)
    const sid = dealSidOf(KINDS.reshare, instanceId, everyone, commitOf, kernel.oracle)

    // K2. Only once every promise is in, and this attempt can never be begun again: open it, prove it, deal.
    await collaborators.mark()
    const sharesFor = (deal: Handle<'deal'>, to: PartyIndex) => {
      const shares = kernel.dealShare(deal, to)
      buffers.push(shares)
      return shares
    }
    const { dealOf, sharesOf, knownOf } = await exchangeDeals(
      party,
      round,
      cast,
      dealt && {
        open: { sid, ...opening, proofs: kernel.dealProve(dealt.deal, sid, mine.id) },
        sharesFor: (to) => sharesFor(dealt.deal, to),
        known: encodeKnown(parameters.keys ?? []),
      },
    )
    const summands = receives ? dealers.map(sharesOf) : []
    buffers.push(...summands)

    const dealing: Dealing = { sid, threshold, count, round: round.deal.name }
    for (const dealer of otherDealers) {
      const deal = dealOf(dealer)
      checkSession(dealing.round, dealer, deal.sid, sid)
      checkOpening(kernel, dealing, instanceId, dealer, commitOf(dealer).commitment, deal)
      checkNoChainCode(dealing.round, dealer, deal)
      await breathe()
    }
    const oldKeys =
      parameters.keys ??
      (await introducedKeys(
        dealing.round,
        keyIds,
        oldThreshold,
        dealers,
        knownOf,
        collaborators.vouched,
      ))
    for (const dealer of otherDealers)
      if (
        !(await fixesConstants(
          kernel,
          threshold,
          oldKeys,
          dealer,
          dealers,
          dealOf(dealer).F,
          breathe,
        ))
      )
        throw new ProtocolError({ kind: 'proof', round: dealing.round, from: dealer.index })
    for (const dealer of otherDealers)
      await checkDealProofs(kernel, dealing, dealer, dealOf(dealer), breathe)
    if (receives)
      for (const dealer of otherDealers) {
        const mineOfIt = { shares: sharesOf(dealer), F: dealOf(dealer).F }
        await checkShares(kernel, dealing, me, dealer, mineOfIt, breathe)
      }

    // The same keys, with the sum of all contributions as their new F; so is my share of each.
    const keys: ResharedKey[] = []
    const publicShares: Uint8Array[][] = []
    for (const [b, old] of oldKeys.entries()) {
      const commitment = summedCommitment(kernel, dealing.round, b, threshold, dealers, dealOf)
      checkUnchanged(old, commitment)
      const { keyId, curve, publicKey, chainCode, deviceKey } = old
      const key = { keyId, curve, t: threshold, publicKey, chainCode, commitment }
      keys.push({ ...key, deviceKey, record: keyRecordHash(key, deviceKey, kernel.oracle) })
      publicShares.push(publicSharesOf(kernel, dealing.round, key, receivers))
      await breathe()
    }
    const publicSharesAt = (guest: Guest) =>
      publicShares.map((points) => points[receivers.indexOf(guest)] ?? NOTHING)
    const fields = publicFieldsOf(dealers, receivers, commitOf, dealOf)
    const pub = publicHashOf(sid, fields, kernel.oracle)
    const records = keys.map(({ record }) => record)
    const transcript = transcriptOf(pub, records, kernel.oracle)
    const shares = receives
      ? kernel.shareSum(summands, count).map((share) => scratch.hold(share))
      : []
    checkOwnShares(kernel, publicSharesAt(mine), shares)

    // K3. My new share is on disk before anyone can rely on it; prove that I hold it.
    const pending: PendingChunk = { sid, fields, pub, transcript, keys, shares }
    if (receives) await collaborators.storePending(pending)
    const myProofs = concatBytes(
      ...shares.map((share, b) => kernel.shareProve(share, sid, mine.id, b)),
    )
    const proofs = { sid, transcript, proofs: myProofs }
    const proved = await party.exchange(
      round.prove,
      new Map(receives ? others.map(({ index }) => [index, proofs]) : []),
      indicesOf(receivers),
    )
    const provers = receivers.filter((guest) => guest !== mine)
    for (const guest of provers) {
      checkSession(round.prove.name, guest, proved.from(guest.index).sid, sid)
      checkSession(round.prove.name, guest, proved.from(guest.index).transcript, transcript)
    }
    for (const guest of provers) {
      const claim = proved.from(guest.index).proofs
      const statements = shareStatements(sid, guest, publicSharesAt(guest), claim)
      await checkProofs(kernel, round.prove.name, guest, statements, breathe)
    }

    // K4. Everyone's proof is on disk too: now I may say that the new committee holds these keys.
    const proofOf = (guest: Guest) => (guest === mine ? myProofs : proved.from(guest.index).proofs)
    await collaborators.storeProofs(
      pending,
      new Map(receivers.map((guest) => [guest.index, proofOf(guest)])),
    )
    const mySignature = await collaborators.certify(transcript)
    const certified = await party.exchange(
      round.certify,
      new Map(others.map(({ index }) => [index, { sid, signature: mySignature }])),
      indicesOf(everyone),
    )
    for (const guest of others) {
      checkSession(round.certify.name, guest, certified.from(guest.index).sid, sid)
      const { signature } = certified.from(guest.index)
      if (!collaborators.verifyCertificate(guest.index, transcript, signature))
        throw new ProtocolError({ kind: 'proof', round: round.certify.name, from: guest.index })
    }
    const signatureOf = (guest: Guest) =>
      guest === mine ? mySignature : certified.from(guest.index).signature
    for (const share of shares) scratch.keep(share)
    return {
      ...pending,
      signatures: everyone.map((guest) => [guest.index, signatureOf(guest)] as const),
    }
  } finally {
    scratch.wipe()
    for (const buffer of buffers) buffer.fill(0) // shares as they came and went, also after a failure
  }
}

/** f_b(0) = λ_{i,O}·s_{i,b}. Shares that are not of their keys would name me as the dealer who cheats: halts instead. */
async function beginDeal(
  { kernel, breathe }: ReshareCollaborators,
  { dealers, threshold, keyIds, keys = [], shares = [] }: ReshareParameters,
  me: PartyIndex,
  scratch: Scratch<AnyHandle>,
): Promise<{ readonly F: Uint8Array; readonly deal: Handle<'deal'> }> {
  const lambda = kernel.lagrange(me, indicesOf(inOrder(dealers)))
  const { F, deal } = kernel.dealBegin(threshold, keyIds.length, shares, lambda)
  scratch.hold(deal)
  if (!(await fixesConstants(kernel, threshold, keys, guestAt(dealers, me), dealers, F, breathe)))
    throw new ProtocolError({ kind: 'own-share', reason: 'a share to deal is not of its key' })
  return { F, deal }
}
