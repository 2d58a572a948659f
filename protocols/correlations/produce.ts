import type { Breathe } from '../crypto/breathe.ts'
import type { Random } from '../crypto/random.ts'
import type { AnyHandle, Handle, Kernel } from '../kernel/kernel.ts'
import type { PairSetup } from '../pair-setup/set-up-pair.ts'
import { u16, u32 } from '../session/codec.ts'
import type { Guest } from '../session/guest.ts'
import type { Party } from '../session/round.ts'
import { Scratch } from '../session/scratch.ts'
import { checkBoot, checkOpen, checkProposal, checkSame, checkScalars } from './checks.ts'
import type { Correlation, CorrelationBatch } from './correlation.ts'
import { batchSidOf, correlationIdOf, transcriptOf } from './hashes.ts'
import { BOOT_ID_BYTES, MAX_BATCH, rounds } from './messages.ts'
import { answer, type BatchRun, choose, finish } from './multiply.ts'

/** A batch whose C5 the responder waits for. */
export interface AwaitedBatch extends CorrelationBatch {
  /**
   * An authentic R1 named one of these, which proves as much as C5 (02 §4.4): the handles are the caller's
   * from this turn on, and the run ends with an empty batch. False when the run is over.
   */
  claim(): boolean
}

export interface BatchContext {
  readonly networkId: Uint8Array
  readonly epochId: Uint8Array
  readonly mine: Guest
  readonly theirs: Guest
  readonly pair: PairSetup
  /** 16 random bytes of this start of my guest. */
  readonly bootId: Uint8Array
  /** The peer's, where it is known: another one ends the run. */
  readonly peerBootId?: Uint8Array
  /** u32, the initiator's count of its batches with this peer. */
  readonly batchNo: number
  /** N, at most 16. */
  readonly count: number
  readonly initiator: boolean
  readonly breathe: Breathe
  /** Responder: told of the batch before C4 leaves. */
  readonly awaited?: (batch: AwaitedBatch) => void
}

/**
 * A batch of N correlations between two guests: C1 to C5 of 02 §4.3, whose numbers these are. Throws
 * `ProtocolError`; then no secret of the run is left. A fault of kind `cote` or `mu` has closed the pair's
 * gate before it is thrown, and does not say which of the N items it was.
 */
export async function produceCorrelations(
  party: Party,
  kernel: Kernel,
  random: Random,
  context: BatchContext,
): Promise<CorrelationBatch> {
  checkContext(party, context)
  const scratch = new Scratch<AnyHandle>((handle) => kernel.wipe(handle))
  const run = context.initiator ? initiate : respond
  try {
    return await run(party, kernel, random, context, scratch)
  } finally {
    scratch.wipe()
  }
}

async function initiate(
  party: Party,
  kernel: Kernel,
  random: Random,
  context: BatchContext,
  scratch: Scratch<AnyHandle>,
): Promise<CorrelationBatch> {
  const { epochId, pair, count, batchNo, bootId, breathe } = context
  const peer = context.theirs.index
  const round = rounds(count)

  // C1. Which batch, over which setup, of which start of my guest.
  checkOpen(pair, epochId, { round: round.propose.name, from: peer })
  const c1 = {
    setupId: pair.setupId,
    bootId,
    batchNo: u32(batchNo),
    count: u16(count),
    nonce: random(32),
  }
  await party.send(round.propose, peer, c1)

  // C2. The responder's choices as Bob. As Alice I answer them, once all N have passed.
  const c2 = await party.receive(round.choose, peer)
  const inChoose = { round: round.choose.name, from: peer }
  checkBoot(c2.bootId, context.peerBootId, inChoose)
  const batchSid = batchSidOf(partiesOf(context), c1, c2, kernel.oracle)
  const items: BatchRun = { kernel, pair, epochId, batchSid, count, scratch, breathe }
  const { m2s, products } = await answer(items, c2.m1s, inChoose)

  // C3. With my own choices as Bob; it says that all m1 passed, so it is the gate's to let it go.
  const { m1s, choices } = await choose(items, inChoose)
  const c3 = { m1s, m2s }
  checkOpen(pair, epochId, inChoose)
  await party.send(round.multiply, peer, c3)

  // C4. The responder's answers.
  const c4 = await party.receive(round.answer, peer)
  const inAnswer = { round: round.answer.name, from: peer }
  checkScalars(kernel, c4.m2s, count, inAnswer)
  const packed = await finish(items, choices, products, c4.m2s, inAnswer)

  // C5. Both halves fit: the responder may use them once it knows.
  const transcript = transcriptOf(count, c2, c3, c4, kernel.oracle)
  checkOpen(pair, epochId, inAnswer)
  await party.send(round.confirm, peer, { transcript })
  checkOpen(pair, epochId, inAnswer)
  for (const secret of packed) scratch.keep(secret)
  return { batchSid, batchNo, correlations: named(kernel, batchSid, transcript, packed) }
}

async function respond(
  party: Party,
  kernel: Kernel,
  random: Random,
  context: BatchContext,
  scratch: Scratch<AnyHandle>,
): Promise<CorrelationBatch> {
  const { epochId, pair, count, batchNo, bootId, breathe } = context
  const peer = context.theirs.index
  const round = rounds(count)

  // C1. The initiator means the setup and the batch that I mean.
  const c1 = await party.receive(round.propose, peer)
  const inPropose = { round: round.propose.name, from: peer }
  checkProposal(c1, pair, batchNo, count, inPropose)
  checkBoot(c1.bootId, context.peerBootId, inPropose)

  // C2. My choices as Bob.
  const nonce = random(32)
  const batchSid = batchSidOf(partiesOf(context), c1, { bootId, nonce }, kernel.oracle)
  const items: BatchRun = { kernel, pair, epochId, batchSid, count, scratch, breathe }
  const { m1s, choices } = await choose(items, inPropose)
  checkOpen(pair, epochId, inPropose)
  const c2 = { bootId, nonce, m1s }
  await party.send(round.choose, peer, c2)

  // C3. The initiator's choices, all of which pass first, and its answers, all of which pass then.
  const c3 = await party.receive(round.multiply, peer)
  const inMultiply = { round: round.multiply.name, from: peer }
  checkScalars(kernel, c3.m2s, count, inMultiply)
  const { m2s, products } = await answer(items, c3.m1s, inMultiply)
  const packed = await finish(items, choices, products, c3.m2s, inMultiply)

  // C4. My answers; it says that all of C3 passed, so it is the gate's to let it go.
  const c4 = { m2s }
  const transcript = transcriptOf(count, c2, c3, c4, kernel.oracle)
  const batch = { batchSid, batchNo, correlations: named(kernel, batchSid, transcript, packed) }
  checkOpen(pair, epochId, inMultiply)
  const claimed = Promise.withResolvers<undefined>()
  let over = false
  const keep = () => {
    for (const secret of packed) scratch.keep(secret)
    over = true
  }
  context.awaited?.({
    ...batch,
    claim: () => {
      if (over || pair.gate.closed !== undefined) return false
      keep()
      claimed.resolve(undefined)
      return true
    },
  })
  try {
    await party.send(round.answer, peer, c4)

    // C5. Or a name of this batch, which only a peer that finished can know.
    const c5 = await Promise.race([party.receive(round.confirm, peer), claimed.promise])
    const inConfirm = { round: round.confirm.name, from: peer }
    // `over`: claimed while C5, which had come, waited for its turn.
    if (c5 === undefined || over) return { ...batch, correlations: [] }
    checkSame(c5.transcript, transcript, inConfirm)
    checkOpen(pair, epochId, inConfirm)
    keep()
    return batch
  } finally {
    over = true
  }
}

const named = (
  { oracle }: Kernel,
  batchSid: Uint8Array,
  transcript: Uint8Array,
  packed: readonly Handle<'correlation'>[],
): Correlation[] =>
  packed.map((secret, k) => ({ id: correlationIdOf(batchSid, transcript, k, oracle), secret }))

function partiesOf({ networkId, epochId, mine, theirs, pair, initiator }: BatchContext) {
  const [guestLo, guestHi] = pair.lo ? [mine.id, theirs.id] : [theirs.id, mine.id]
  return { networkId, epochId, guestLo, guestHi, initiatorIsHi: initiator !== pair.lo }
}

/** What the caller has to get right; a mistake here is a defect, not a fault of a party. */
function checkContext(
  { me, everyone }: Party,
  { mine, theirs, count, bootId }: BatchContext,
): void {
  const both = [mine.index, theirs.index].sort((a, b) => a - b)
  if (mine.index !== me || both.join() !== everyone.join())
    throw new Error('bug: the guests are not the participants')
  if (!Number.isInteger(count) || count < 1 || count > MAX_BATCH)
    throw new Error('bug: no batch of that size')
  if (bootId.length !== BOOT_ID_BYTES) throw new Error('bug: no boot id')
}
