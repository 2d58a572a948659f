// One probe of hashing, scalars and oblivious transfer, so that their tests wait for one compilation.
import {
  blake3Hash,
  contextKeyOf,
  hashBegin,
  hashEnd,
  hashUpdate,
} from '../../../../../protocols/kernel/assembly/blake3.ts'
import {
  compressLanes,
  DERIVE_KEY_MATERIAL,
  KEYED_HASH,
} from '../../../../../protocols/kernel/assembly/blake3-compress.ts'
import { foldColumns, foldRow } from '../../../../../protocols/kernel/assembly/fold.ts'
import { gadgetSum } from '../../../../../protocols/kernel/assembly/gadget.ts'
import { gfAddProduct } from '../../../../../protocols/kernel/assembly/gf128.ts'
import {
  keyedBlock,
  oracleBegin,
  oracleEnd,
  oracleField,
  TAGS,
  tagContext,
} from '../../../../../protocols/kernel/assembly/oracle.ts'
import { pprfBuild, pprfEvaluate } from '../../../../../protocols/kernel/assembly/pprf.ts'
import {
  CHOICE_B,
  CHOICE_SIZE,
  rvoleAlice,
  rvoleBob,
  rvoleCheck,
  rvoleFinish,
} from '../../../../../protocols/kernel/assembly/rvole.ts'
import {
  scAdd,
  scalarsCanonical,
  scInvert,
  scIsZero,
  scLoad,
  scLoadReduced,
  scMul,
  scNeg,
  scSelect,
  scStore,
  scSub,
  scWide,
} from '../../../../../protocols/kernel/assembly/scalar.ts'
import {
  columns,
  extendAlice,
  extendBob,
  wipeExtension,
} from '../../../../../protocols/kernel/assembly/softspoken.ts'
import { transpose } from '../../../../../protocols/kernel/assembly/transpose.ts'
import { addProducts } from '../../../../../protocols/kernel/assembly/lane-products.ts'
import { reduceSum, sumFromWords } from '../../../../../protocols/kernel/assembly/lane-reduction.ts'
import {
  addLanes,
  lanesFromWords,
  lanesToWords,
  reduceLanes,
  splatScalar,
  subtractLanes,
} from '../../../../../protocols/kernel/assembly/scalar-lanes.ts'

export {
  addLanes,
  addProducts,
  lanesFromWords,
  lanesToWords,
  reduceLanes,
  reduceSum,
  splatScalar,
  subtractLanes,
  sumFromWords,
  blake3Hash,
  foldColumns,
  foldRow,
  gadgetSum,
  gfAddProduct,
  keyedBlock,
  oracleBegin,
  oracleEnd,
  oracleField,
  tagContext,
  pprfBuild,
  pprfEvaluate,
  rvoleAlice,
  rvoleBob,
  rvoleCheck,
  rvoleFinish,
  scAdd,
  scalarsCanonical,
  scInvert,
  scIsZero,
  scLoad,
  scLoadReduced,
  scMul,
  scNeg,
  scSelect,
  scStore,
  scSub,
  scWide,
  extendAlice,
  extendBob,
  wipeExtension,
  transpose,
}

const ARENA = memory.data(1 << 19, 16)
const derived = memory.data(32, 16)

export function arena(): usize {
  return ARENA
}

export function keyed(out: usize, outLength: i32, key: usize, from: usize, length: i32): void {
  hashBegin(key, KEYED_HASH)
  hashUpdate(from, length)
  hashEnd(out, outLength)
}

export function derive(
  out: usize,
  outLength: i32,
  context: usize,
  contextLength: i32,
  from: usize,
  length: i32,
): void {
  contextKeyOf(derived, context, contextLength)
  hashBegin(derived, DERIVE_KEY_MATERIAL)
  hashUpdate(from, length)
  hashEnd(out, outLength)
}

/** The message in two parts, cut at `cut`. */
export function parts(out: usize, key: usize, from: usize, length: i32, cut: i32): void {
  hashBegin(key, KEYED_HASH)
  hashUpdate(from, cut)
  hashUpdate(from + cut, length - cut)
  hashEnd(out, 32)
}

/** `count` times four blocks. */
export function lanes(cv: usize, message: usize, out: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    compressLanes(cv, message, out, i32x4.splat(i), 64, KEYED_HASH)
  }
}

export function tags(): i32 {
  return TAGS
}

export function columnsAt(): usize {
  return columns
}

export function choiceSize(): i32 {
  return CHOICE_SIZE
}

export function choiceB(): i32 {
  return CHOICE_B
}

/** a^(2^count), for timing. */
export function squarings(out: usize, a: usize, count: i32): void {
  memory.copy(out, a, 32)
  for (let i = 0; i < count; i++) scMul(out, out, out)
}
