import { begin, GADG, LANES, setKey, setWord, squeeze, wipeKeyed } from './keyed-lanes'
import { addProducts, SUM } from './lane-products'
import { reduceSum, sumFromWords } from './lane-reduction'
import { copyAcross } from './lanes'
import { oracleBegin, oracleEnd, oracleField, TAG_RVOLE_GADGET } from './oracle'
import { scAdd, SCALAR_BYTES, scLoad, scMul, scWide } from './scalar'
import { LIMBS, lanesToWords, reduceLanes, swapped } from './scalar-lanes'

const COLUMNS: i32 = 512 // ξ
export const GROUPS: i32 = COLUMNS / LANES
const BODY: u32 = 6 // code and u16 j
const WIDE: i32 = 64 // bytes
const WIDE_WORDS: i32 = 16
const OUT: i32 = 256

/** 2^512 and 2^520 mod q. */
const TWO_512: usize = memory.data<u32>(
  [0x67d7d140, 0x896cf214, 0x0e7cf878, 0x741496c2, 0x5bcd07c6, 0xe697f5e4, 0x81c69bc5, 0x9d671cd5],
  16,
)
const TWO_520: usize = memory.data<u32>(
  [0x268b3b23, 0xc8ee180c, 0xfd6e33e4, 0x97594894, 0xcd07c73b, 0x97f5e45b, 0xc69bc5e6, 0x671cd581],
  16,
)

const key: usize = memory.data(32, 16)
const words: usize = memory.data(OUT, 16)
const sum: usize = memory.data(SUM, 16)
const wide: usize = memory.data(WIDE, 16)
const scalar: usize = memory.data(SCALAR_BYTES, 16)
const columns: usize = memory.data(2 * WIDE_WORDS * 16, 16)
/** Four gadget scalars of each group, divided by 2^260. Public. */
const table: usize = memory.data(GROUPS * LIMBS, 16)

/** All ones in the lanes j of which bit 4·group + j of β is set. Constant time in β. */
export function betaMask(beta: usize, group: i32): v128 {
  const bits = i32x4(1, 2, 4, 8)
  const four: i32 = load<u8>(beta + (group >> 1)) >> (4 * (group & 1))
  return v128.eq<i32>(v128.and(i32x4.splat(four), bits), bits)
}

/** out = Σ β_j g_j, by masked addition, with g_j = GADG(j) (02 §3.1). Public: sid. Secret: β (64 bytes), out. */
export function gadgetSum(out: usize, sid: usize, beta: usize): void {
  beginGadget(sid)
  memory.fill(columns, 0, 2 * WIDE_WORDS * 16)
  for (let group = 0; group < GROUPS; group++) {
    gadgetWords(group)
    const mask = betaMask(beta, group)
    for (let i = 0; i < WIDE_WORDS; i++) {
      const at = columns + 32 * i
      const word = v128.and(swapped(words + 128, i), mask)
      v128.store(at, v128.add<i64>(v128.load(at), v128.extend_low<u32>(word)))
      v128.store(at, v128.add<i64>(v128.load(at, 16), v128.extend_high<u32>(word)), 16)
    }
  }
  let carry: u64 = 0
  for (let i = 0; i < WIDE_WORDS; i++) {
    const at = columns + 32 * i
    const pair = v128.add<i64>(v128.load(at), v128.load(at, 16))
    carry += v128.extract_lane<u64>(pair, 0) + v128.extract_lane<u64>(pair, 1)
    store<u32>(wide + WIDE - 4 - 4 * i, bswap(<u32>carry))
    carry >>= 32
  }
  scWide(out, wide)
  memory.fill(scalar, 0, SCALAR_BYTES)
  store<u64>(scalar, carry)
  scMul(scalar, scalar, TWO_512)
  scAdd(out, out, scalar)
  wipe()
}

/** Makes all g_j for `weigh`. Public: sid. */
export function makeGadget(sid: usize): void {
  beginGadget(sid)
  for (let group = 0; group < GROUPS; group++) {
    gadgetWords(group)
    sumFromWords(sum, words)
    reduceSum(table + LIMBS * group, sum)
  }
  wipe()
}

/** sum += g_j·x_j for the four j of a group. Secret: x. */
export function weigh(total: usize, group: i32, x: usize): void {
  addProducts(total, table + LIMBS * group, x)
}

/** out = Σ g_j x_j of what `weigh` added up; wipes the sum. */
export function weighed(out: usize, total: usize): void {
  reduceSum(words, total)
  reduceLanes(words, words)
  lanesToWords(columns, words)
  copyAcross(columns + 128, 32, columns)
  copyAcross(columns + 144, 32, columns + 64)
  memory.fill(out, 0, SCALAR_BYTES)
  for (let lane = 0; lane < LANES; lane++) {
    scLoad(scalar, columns + 128 + 32 * lane)
    scAdd(out, out, scalar)
  }
  // Once 2^260 for the gadget, once for the reduction.
  scMul(out, out, TWO_520)
  wipe()
}

function beginGadget(sid: usize): void {
  oracleBegin(TAG_RVOLE_GADGET)
  oracleField(sid, 32)
  oracleEnd(key, 32)
  begin(GADG)
  setKey(key)
}

/** 64 bytes big-endian for each of four j. */
function gadgetWords(group: i32): void {
  setWord(1, v128.add<i32>(i32x4.splat(LANES * group), i32x4(0, 1, 2, 3)))
  squeeze(words, 0, BODY)
}

function wipe(): void {
  memory.fill(words, 0, OUT)
  memory.fill(wide, 0, WIDE)
  memory.fill(scalar, 0, SCALAR_BYTES)
  memory.fill(columns, 0, 2 * WIDE_WORDS * 16)
  wipeKeyed()
}
