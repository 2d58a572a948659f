import type { WasmMemory } from './web-assembly.ts'

/** The exports of protocols/kernel/assembly/index.ts; addresses, counts, handles and codes are all numbers. */
export interface Exports {
  readonly memory: WasmMemory
  init(): number
  arenaAt(): number
  arenaBytes(): number
  slotTable(): number
  slotsAt(): number
  slotsEnd(): number
  knownAnswers(): number
  heldCount(): number
  kind(handle: number): number
  wipe(handle: number): number
  wipeAll(): void
  pairSend(outA: number): number
  pairReceiveBegin(sid: number, A: number): number
  pairReceiveStep(receiving: number, outPhi: number): number
  pairBuildBegin(sender: number, sid: number, phi: number): number
  pairBuildStep(building: number, outPprf: number): number
  isOfSetup(receiver: number, sid: number): number
  pairEvaluate(receiver: number, sid: number, pprf: number): number
  zetaNew(pairSid: number, zLo: number, zHi: number): number
  rvoleBob(bob: number, sid: number, outM1: number): number
  rvoleAlice(
    alice: number,
    sid: number,
    m1: number,
    nonce: number,
    key: number,
    outM2: number,
  ): number
  rvoleBobFinish(choice: number, m2: number): number
  corrPack(product: number, received: number): number
  signBegin(outR: number): number
  signKey(
    share: number,
    lambda: number,
    epsilon: number,
    zetas: number,
    count: number,
    sid1: number,
    outPk: number,
  ): number
  signOpen(
    nonce: number,
    product: number,
    choice: number,
    outU: number,
    outV: number,
    outPsi: number,
  ): number
  signOpenCorrelated(
    nonce: number,
    key: number,
    correlation: number,
    outDeltaU: number,
    outDeltaV: number,
    outU: number,
    outV: number,
    outPsi: number,
  ): number
  signCheck(
    nonce: number,
    product: number,
    received: number,
    opening: number,
    omega: number,
  ): number
  signCheckCorrelated(
    nonce: number,
    opened: number,
    opening: number,
    deltas: number,
    omega: number,
  ): number
  presign(nonce: number, key: number, R: number): number
  online(presignature: number, digest: number, outU: number, outW: number): number
  dealBegin(threshold: number, count: number, constants: number, outF: number): number
  dealProve(deal: number, sid: number, dealer: number, out: number): number
  dealTotal(deal: number): number
  dealCount(deal: number): number
  dealShare(deal: number, x: number, out: number): number
  shareAdd(values: number, count: number): number
  shareFinish(count: number, out: number): number
  shareForget(): void
  shareProve(share: number, sid: number, guest: number, index: number, out: number): number
  sharePublic(share: number, out: number): number
  shareOut(share: number, out: number): number
  shareIn(bytes: number): number
  contextKeyOf(out: number, context: number, length: number): void
  oracleBeginWith(key: number): void
  hashUpdate(from: number, length: number): void
  hashEnd(out: number, length: number): void
  verifyPoks(statements: number, count: number, alone: number): number
  verifyFeldman(shares: number, count: number, x: number, F: number, threshold: number): number
  sumPoints(encoded: number, count: number, out: number): number
  evaluateCommitment(F: number, count: number, x: number, out: number): number
  tweakPoint(P: number, epsilon: number, out: number): number
  lagrange(x: number, signers: number, count: number, out: number): number
  addScalars(a: number, b: number, out: number): number
  arePoints(encoded: number, count: number): number
  areScalars(bytes: number, count: number): number
  combine(R: number, parts: number, count: number, out: number): number
  verifySignature(P: number, digest: number, signature: number, recovery: number): number
}
