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
import type { KeyRecord } from '../sharing/key-record.ts'
import type { Commit } from '../sharing/messages.ts'
import { checkOwnShares, publicSharesOf } from '../sharing/sums.ts'
import { checkShape, keyRecordOf } from './checks.ts'
import type { KeyCertificate } from './key-certificate.ts'
import { mailboxInfo, NO_COMMIT } from './mailbox.ts'
import { Posted, rounds } from './messages.ts'
import { sealPart } from './sealed-part.ts'

export type { KeyRecord } from '../sharing/key-record.ts'

/** Keys that were dealt but are not certified yet. */
export interface PendingKeys {
  readonly sid: Uint8Array
  /** The hash of all that was public in K1 and K2. */
  readonly pub: Uint8Array
  /** T, which K4 signs. */
  readonly transcript: Uint8Array
  readonly keys: readonly KeyRecord[]
  /** Mine, per key. Until `generateKeys` returns they belong to the run, which wipes them when it fails. */
  readonly shares: readonly Handle<'share'>[]
  /** By dealer, for absent members to fetch (`Posted`); empty when nobody is absent. */
  readonly mailbox: ReadonlyMap<PartyIndex, Uint8Array>
}

export interface GeneratedKeys extends PendingKeys {
  /**
   * Per key. None while fewer than `holders` members proved that they hold their shares: K4 then waits for K3 of
   * members that were absent (02 §5).
   */
  readonly certificates: readonly KeyCertificate[]
}

export interface KeygenCollaborators {
  readonly kernel: Kernel
  readonly random: Random
  /** Between the checks of two dealers, and between two keys. */
  readonly breathe: Breathe
  /** Durable when it resolves: K3 leaves only then. */
  storePending(pending: PendingKeys): Promise<void>
  /**
   * Durable when it resolves: K4 leaves only then. 65 bytes per key and member of D, own included; may throw to
   * refuse.
   */
  storeProofs(pending: PendingKeys, proofs: ReadonlyMap<PartyIndex, Uint8Array>): Promise<void>
  /** My guest key's signature over `"holdfast/guest/deal/1" 00 networkId T`, 64 bytes. */
  certify(transcript: Uint8Array): Promise<Uint8Array>
  verifyCertificate(from: PartyIndex, transcript: Uint8Array, signature: Uint8Array): boolean
}

export interface KeygenParameters {
  readonly networkId: Uint8Array
  readonly committeeId: Uint8Array
  readonly epochId: Uint8Array
  readonly threshold: number
  /** How many keys: count × threshold ≤ 2,048. */
  readonly count: number
  /** N: all members, the receivers. */
  readonly guests: readonly Guest[]
  /** How many signatures over T a certificate needs; at least so many deal. */
  readonly quorum: number
  /** Who is absent, with its epoch prekey, 32 bytes. All others are D, the dealers and participants of the session. */
  readonly absent?: ReadonlyMap<PartyIndex, Uint8Array>
  /** h = min(n, t + f): how many share proofs K4 waits for; those of all members without it. */
  readonly holders?: number
}

/**
 * Key generation, rounds K1 to K4 of 02 §5, for many keys at once. The numbers are the specification's.
 * Throws `ProtocolError`; then no secret of the run is left here. What `storePending` stored stays: after
 * K3 left, others may hold a certificate.
 */
export async function generateKeys(
  party: Party,
  collaborators: KeygenCollaborators,
  parameters: KeygenParameters,
): Promise<GeneratedKeys> {
  const { me, instanceId } = party
  const { kernel, random, breathe } = collaborators
  const { networkId, committeeId, epochId, threshold, count, quorum } = parameters
  const prekeys = parameters.absent ?? new Map<PartyIndex, Uint8Array>()
  const guests = inOrder(parameters.guests)
  const dealers = guests.filter(({ index }) => !prekeys.has(index))
  const absent = guests.filter(({ index }) => prekeys.has(index))
  const holders = parameters.holders ?? guests.length
  checkShape({ threshold, count, quorum, holders, guests, dealers, absent, prekeys })
  if (dealers.map(({ index }) => index).join() !== party.everyone.join())
    throw new Error('bug: the guests are not the participants')
  const mine = guestAt(dealers, me)
  const others = dealers.filter(({ index }) => index !== me)
  const { commit, deal, prove, certify } = rounds(threshold, count, absent.length)
  const scratch = new Scratch<AnyHandle>((handle) => kernel.wipe(handle))
  const buffers: Uint8Array[] = []
  try {
    // K1. Choose a polynomial per key; promise the commitments to them and a chain code.
    const { F, deal: polynomials } = kernel.dealBegin(threshold, count)
    scratch.hold(polynomials)
    const opening = { blind: random(32), chainCode: random(32), F }
    const commitment = commitmentTo(instanceId, mine.id, opening, kernel.oracle)
    const myCommit = { nonce: random(32), commitment }
    const commits = await party.publish(commit, myCommit)
    const commitOf = ({ index }: Guest): Commit => {
      if (prekeys.has(index)) return NO_COMMIT
      return index === me ? myCommit : commits.from(index)
    }
    const sid = dealSidOf(KINDS.keygen, instanceId, guests, commitOf, kernel.oracle)

    // K2. Only once every promise is in: open it, prove it, and deal to each its shares.
    const proofs = kernel.dealProve(polynomials, sid, mine.id)
    const sharesFor = (to: PartyIndex) => {
      const shares = kernel.dealShare(polynomials, to)
      buffers.push(shares)
      return shares
    }
    const sealed = concatBytes(
      ...absent.map((receiver) => {
        const info = mailboxInfo(sid, mine.id, receiver.id)
        const prekey = prekeys.get(receiver.index) ?? new Uint8Array()
        return sealPart(random, prekey, info, sharesFor(receiver.index))
      }),
    )
    const dealTo = (to: PartyIndex) => ({
      sid,
      ...opening,
      proofs,
      shares: sharesFor(to),
      sealed,
    })
    const received = await party.deal(deal, dealTo)
    const deals = new Map([
      [me, dealTo(me)],
      ...received.map((message, from) => [from, message] as const),
    ])
    for (const { shares } of deals.values()) buffers.push(shares)
    const dealOf = ({ index }: Guest) => deals.get(index) ?? received.from(index)

    const dealing: Dealing = { sid, threshold, count, round: deal.name }
    for (const guest of others) {
      checkSession(deal.name, guest, dealOf(guest).sid, sid)
      checkOpening(kernel, dealing, instanceId, guest, commitOf(guest).commitment, dealOf(guest))
      await breathe()
    }
    for (const dealer of others)
      await checkDealProofs(kernel, dealing, dealer, dealOf(dealer), breathe)
    for (const dealer of others)
      await checkShares(kernel, dealing, me, dealer, dealOf(dealer), breathe)

    // The keys are the sums of all contributions; so is my share of each.
    const keys: KeyRecord[] = []
    const publicShares: Uint8Array[][] = []
    for (let b = 0; b < count; b++) {
      const key = keyRecordOf(kernel, deal.name, networkId, sid, b, threshold, dealers, dealOf)
      keys.push(key)
      publicShares.push(publicSharesOf(kernel, deal.name, key, guests))
      await breathe()
    }
    const publicSharesAt = (guest: Guest) =>
      publicShares.map((points) => points[guests.indexOf(guest)] ?? new Uint8Array())
    const fields = publicFieldsOf(dealers, guests, commitOf, dealOf)
    const pub = publicHashOf(sid, fields, kernel.oracle)
    const records = keys.map(({ record }) => record)
    const transcript = transcriptOf(pub, records, kernel.oracle)
    const summands = dealers.map((guest) => dealOf(guest).shares)
    const shares = kernel.shareSum(summands, count).map((share) => scratch.hold(share))
    checkOwnShares(kernel, publicSharesAt(mine), shares)

    // K3. My share is on disk before anyone can rely on it; prove that I hold it.
    const posted = Posted(threshold, count, absent.length)
    const mailbox = new Map(
      (absent.length === 0 ? [] : dealers).map((dealer) => [
        dealer.index,
        posted.encode({ ...commitOf(dealer), ...dealOf(dealer) }),
      ]),
    )
    const pending: PendingKeys = { sid, pub, transcript, keys, shares, mailbox }
    await collaborators.storePending(pending)
    const myProofs = concatBytes(
      ...shares.map((share, b) => kernel.shareProve(share, sid, mine.id, b)),
    )
    const proved = await party.publish(prove, { sid, transcript, proofs: myProofs })
    for (const guest of others) {
      checkSession(prove.name, guest, proved.from(guest.index).sid, sid)
      checkSession(prove.name, guest, proved.from(guest.index).transcript, transcript)
    }
    for (const guest of others) {
      const claim = proved.from(guest.index).proofs
      const statements = shareStatements(sid, guest, publicSharesAt(guest), claim)
      await checkProofs(kernel, prove.name, guest, statements, breathe)
    }

    // K4. The proofs of enough holders are on disk too: now I may say that these keys are held.
    const proofOf = ({ index }: Guest) => (index === me ? myProofs : proved.from(index).proofs)
    await collaborators.storeProofs(
      pending,
      new Map(dealers.map((guest) => [guest.index, proofOf(guest)])),
    )
    if (dealers.length < holders) {
      for (const share of shares) scratch.keep(share)
      return { ...pending, certificates: [] }
    }
    const mySignature = await collaborators.certify(transcript)
    const certified = await party.publish(certify, { sid, signature: mySignature })
    for (const guest of others) {
      checkSession(certify.name, guest, certified.from(guest.index).sid, sid)
      const { signature } = certified.from(guest.index)
      if (!collaborators.verifyCertificate(guest.index, transcript, signature))
        throw new ProtocolError({ kind: 'proof', round: certify.name, from: guest.index })
    }
    const signatureOf = ({ index }: Guest) =>
      index === me ? mySignature : certified.from(index).signature
    const signatures = dealers.map((guest) => [guest.index, signatureOf(guest)] as const)
    const certificates = keys.map((key) => ({
      committeeId,
      epochId,
      keyId: key.keyId,
      curve: key.curve,
      t: key.t,
      publicKey: key.publicKey,
      chainCode: key.chainCode,
      commitment: key.commitment,
      deviceKey: new Uint8Array(),
      pub,
      records,
      signatures,
    }))
    for (const share of shares) scratch.keep(share)
    return { ...pending, certificates }
  } finally {
    scratch.wipe()
    for (const buffer of buffers) buffer.fill(0) // shares as they came and went, also after a failure
  }
}
