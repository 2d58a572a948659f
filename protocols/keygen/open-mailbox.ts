import { concatBytes } from '@noble/hashes/utils.js'
import type { Breathe } from '../crypto/breathe.ts'
import type { AnyHandle, Kernel } from '../kernel/kernel.ts'
import { type PartyIndex, ProtocolError } from '../session/faults.ts'
import { guestAt, inOrder } from '../session/guest.ts'
import { Scratch } from '../session/scratch.ts'
import {
  checkDealProofs,
  checkOpening,
  checkSession,
  checkShares,
  type Dealing,
} from '../sharing/checks.ts'
import { type Prove, SCALAR_BYTES } from '../sharing/messages.ts'
import { checkOwnShares, publicSharesOf } from '../sharing/sums.ts'
import type { KeygenParameters, PendingKeys } from './generate-keys.ts'
import { type Mailbox, mailboxInfo, placeOf, postedRun, sealedParts } from './mailbox.ts'
import { rounds } from './messages.ts'

export interface MailboxCollaborators {
  readonly kernel: Kernel
  readonly breathe: Breathe
  /** HPKE with the secret of my epoch prekey; `undefined` for what was not sealed to it. The result is wiped here. */
  open(info: Uint8Array, sealed: Uint8Array): Uint8Array | undefined
  /** Durable when it resolves: only then is there a K3 to send. */
  storePending(pending: PendingKeys): Promise<void>
}

export interface MailboxParameters
  extends Pick<KeygenParameters, 'networkId' | 'threshold' | 'count' | 'guests'> {
  readonly me: PartyIndex
  /** Of the session of D. */
  readonly instanceId: Uint8Array
  /** Who was absent, I among them. */
  readonly absent: readonly PartyIndex[]
  /** T, as the key certificate or more than f members of D name it: what is fetched proves nothing else. */
  readonly transcript: Uint8Array
  /** What members of D keep, by keeper. */
  readonly kept: ReadonlyMap<PartyIndex, Mailbox>
}

/**
 * An absent member's side of a key generation (02 §5): finds the run of T in what members of D keep, takes of each
 * dealer any part that passes, checks like all others, and stores its shares, which belong to the caller then. `prove`
 * is its K3, for the members of D. `undefined` when no keeper has the run of T. Throws `ProtocolError`; `share` names
 * a dealer none of whose copies is good.
 */
export async function openMailbox(
  collaborators: MailboxCollaborators,
  parameters: MailboxParameters,
): Promise<{ readonly pending: PendingKeys; readonly prove: Prove } | undefined> {
  const { kernel, breathe } = collaborators
  const { me, threshold, count, transcript, absent, instanceId } = parameters
  const guests = inOrder(parameters.guests)
  const dealers = guests.filter(({ index }) => !absent.includes(index))
  const mine = guestAt(guests, me)
  const context = { ...parameters, guests, dealers }
  const kept = [...parameters.kept.values()]
  const place = placeOf(context, me)

  let run: ReturnType<typeof postedRun>
  for (const mailbox of kept) {
    run ??= postedRun(kernel, context, transcript, mailbox)
    await breathe()
  }
  if (run === undefined) return undefined
  const { sid, pub, keys, postOf } = run

  // The checks of K2, as the dealers made them: T is theirs, and this member trusts none of them.
  const dealing: Dealing = { sid, threshold, count, round: rounds(threshold, count).deal.name }
  for (const dealer of dealers) {
    checkSession(dealing.round, dealer, postOf(dealer).sid, sid)
    checkOpening(kernel, dealing, instanceId, dealer, postOf(dealer).commitment, postOf(dealer))
    await breathe()
  }
  for (const dealer of dealers)
    await checkDealProofs(kernel, dealing, dealer, postOf(dealer), breathe)

  const scratch = new Scratch<AnyHandle>((handle) => kernel.wipe(handle))
  const opened: Uint8Array[] = []
  const summands: Uint8Array[] = []
  try {
    for (const dealer of dealers) {
      const { F } = postOf(dealer)
      const info = mailboxInfo(sid, dealer.id, mine.id)
      for (const part of sealedParts(context, kept, dealer.index, place)) {
        const shares = collaborators.open(info, part)
        if (shares === undefined) continue
        opened.push(shares)
        if (shares.length !== SCALAR_BYTES * count) continue
        if (!(await passes(() => checkShares(kernel, dealing, me, dealer, { shares, F }, breathe))))
          continue
        summands.push(shares)
        break
      }
      if (summands.length <= dealers.indexOf(dealer))
        throw new ProtocolError({ kind: 'share', round: dealing.round, from: dealer.index })
    }
    const shares = kernel.shareSum(summands, count).map((share) => scratch.hold(share))
    const publicShares = keys.flatMap((key) => publicSharesOf(kernel, dealing.round, key, [mine]))
    checkOwnShares(kernel, publicShares, shares)

    const pending: PendingKeys = {
      sid,
      pub,
      transcript,
      keys,
      shares,
      mailbox: new Map(), // those who dealt keep it
    }
    await collaborators.storePending(pending)
    const proofs = concatBytes(
      ...shares.map((share, b) => kernel.shareProve(share, sid, mine.id, b)),
    )
    for (const share of shares) scratch.keep(share)
    return { pending, prove: { sid, transcript, proofs } }
  } finally {
    scratch.wipe()
    for (const shares of opened) shares.fill(0) // what is open, whatever became of it
  }
}

/** Whether a check that would name somebody finds nothing: another copy may be good. */
async function passes(check: () => Promise<void>): Promise<boolean> {
  try {
    await check()
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
