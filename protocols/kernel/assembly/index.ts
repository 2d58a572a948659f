/** What JavaScript sees of the kernel: every export is a whole operation over the arena and the slots. */
import { curveInit } from './comb'
import { ARENA, ARENA_BYTES } from './memory'
import { slotsBegin, slotsInit } from './slots'

export { heldCount, kind, slotsEnd, wipe, wipeAll } from './slots'
export {
  isOfSetup,
  pairBuildBegin,
  pairBuildStep,
  pairEvaluate,
  pairReceiveBegin,
  pairReceiveStep,
  pairSend,
  zetaNew,
} from './pair'
export { rvoleAlice, rvoleBob, rvoleBobFinish } from './multiplication'
export {
  corrPack,
  online,
  presign,
  signBegin,
  signCheck,
  signCheckCorrelated,
  signKey,
  signOpen,
  signOpenCorrelated,
} from './signing'
export {
  dealBegin,
  dealCount,
  dealProve,
  dealShare,
  dealTotal,
  shareAdd,
  shareFinish,
  shareForget,
  shareIn,
  shareOut,
  shareProve,
  sharePublic,
} from './sharing'
export {
  addScalars,
  arePoints,
  areScalars,
  combine,
  evaluateCommitment,
  lagrange,
  sumPoints,
  tweakPoint,
  verifyFeldman,
  verifyPoks,
  verifySignature,
} from './public'
export { contextKeyOf, hashEnd, hashUpdate } from './blake3'
export { oracleBeginWith } from './oracle'
export { knownAnswers } from './known-answers'

/** Builds the table of G and lays out the slots, once; false when they do not fit. */
export function init(): bool {
  curveInit()
  return slotsInit()
}

export function arenaAt(): usize {
  return ARENA
}

export function arenaBytes(): usize {
  return ARENA_BYTES
}

/** Where the table of the slots begins and where the first slot lies: the map of memory, for tests. */
export function slotTable(): usize {
  return ARENA + ARENA_BYTES
}

export function slotsAt(): usize {
  return slotsBegin()
}
