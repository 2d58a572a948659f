import { AFTER_ARENA, MEMORY_BYTES, zero } from './memory'

/**
 * Typed slots that hold every secret (02 §14). A handle is 20-bit slot ‖ 12-bit generation. Slots are of
 * fixed sizes, laid out once; free ones wait in a queue, so that the one freed last is used again last
 * and a stale handle meets its own slot's 4,095 next lives before it could name a later secret.
 * Handles, kinds and counts are public; what lies in a slot is secret.
 */
export const SENDER: i32 = 1
export const RECEIVING: i32 = 2
export const RECEIVER: i32 = 3
export const BUILDING: i32 = 4
export const BOB: i32 = 5
export const ALICE: i32 = 6
export const ZETA: i32 = 7
export const CHOICE: i32 = 8
export const ALICE_PRODUCT: i32 = 9
export const BOB_PRODUCT: i32 = 10
export const CORRELATION: i32 = 11
export const OPENED: i32 = 12
export const NONCE: i32 = 13
export const KEY: i32 = 14
export const PRESIGNATURE: i32 = 15
export const DEAL: i32 = 16
export const SHARE: i32 = 17

// Classes: each its own size and count, so that a full pool of one kind leaves room for the others.
const SETUPS: i32 = 0 // 15 peers × 2 generations × (Alice, Bob), and two pairs on their way
const WORKING: i32 = 1 // setups in steps: two at a time, both roles, and as many that a new attempt leaves behind
const CHOICES: i32 = 2 // multiplications under way
const MEDIUM: i32 = 3 // receivers, and deals of few coefficients
const DEALS: i32 = 4 // deals of a whole chunk
const CORRELATIONS: i32 = 5 // 512 for each of 15 peers, and a batch being made
const PRESIGNATURES: i32 = 6
const SESSION: i32 = 7 // what lives as long as one session
const SHARES: i32 = 8 // a chunk of old and new shares, and keys in use
const SEEDS: i32 = 9 // zeta, and keys of sessions
const CLASSES: i32 = 10

/** Coefficients of a deal that takes a slot of MEDIUM: a batch of 64 keys with t = 3 and more. */
const FEW_COEFFICIENTS: u32 = 256
const MAX_COEFFICIENTS: u32 = 2048 // B·t of one chunk (02 §5)
export const DEAL_HEAD: usize = 16 // threshold, count
const COEFFICIENT_BYTES: usize = 32 + 33 // f_k and F_k

function bytesOfClass(c: i32): usize {
  if (c == SETUPS) return 64 * 16 * 32 + 32
  if (c == WORKING) return 34048
  if (c == CHOICES) return 16512
  if (c == MEDIUM) return (DEAL_HEAD + <usize>FEW_COEFFICIENTS * COEFFICIENT_BYTES + 15) & ~15
  if (c == DEALS) return DEAL_HEAD + <usize>MAX_COEFFICIENTS * COEFFICIENT_BYTES
  if (c == CORRELATIONS) return 224
  if (c == PRESIGNATURES) return 128
  if (c == SESSION) return 224
  return 32
}

function countOfClass(c: i32): u32 {
  if (c == SETUPS) return 66
  if (c == WORKING) return 6
  if (c == CHOICES) return 66
  if (c == MEDIUM) return 24
  if (c == DEALS) return 3
  if (c == CORRELATIONS) return 7744
  if (c == PRESIGNATURES) return 2560
  if (c == SESSION) return 1280
  if (c == SHARES) return 4096
  return 512
}

function classOf(kind: i32): i32 {
  if (kind == ALICE || kind == BOB) return SETUPS
  if (kind == RECEIVING || kind == BUILDING) return WORKING
  if (kind == CHOICE) return CHOICES
  if (kind == RECEIVER) return MEDIUM
  if (kind == CORRELATION) return CORRELATIONS
  if (kind == PRESIGNATURE) return PRESIGNATURES
  if (kind == SHARE) return SHARES
  if (kind == ZETA || kind == KEY) return SEEDS
  return SESSION
}

const GENERATION_BITS: u32 = 12
const GENERATIONS: u32 = 1 << GENERATION_BITS // 1 … 4,095; 0 is never given out
const FIRST: u32 = 1 // the first slot's number: every handle is above 4,095, and answers below it are codes
const NOBODY: u32 = 0

// Of each class: base u32, first slot u32, free count u32, head u32, tail u32.
const CLASS_BYTES: usize = 20
const classes = memory.data(200, 16)
// Of each slot: generation u16, kind u8, class u8, next free u32.
const META_BYTES: usize = 8
const META: usize = AFTER_ARENA
let slots: u32 = 0
let held: i32 = 0
let end: usize = 0

// @ts-ignore: decorator
@inline
function metaOf(slot: u32): usize {
  return META + <usize>slot * META_BYTES
}

function classAt(c: i32): usize {
  return classes + <usize>c * CLASS_BYTES
}

/** Lays the slots out. False when they do not fit. */
export function slotsInit(): bool {
  slots = FIRST
  for (let c = 0; c < CLASSES; c++) slots += countOfClass(c)
  let base = (metaOf(slots) + 15) & ~15
  let slot = FIRST
  for (let c = 0; c < CLASSES; c++) {
    const count = countOfClass(c)
    const at = classAt(c)
    store<u32>(at, <u32>base)
    store<u32>(at + 4, slot)
    base += <usize>count * bytesOfClass(c)
    if (base > MEMORY_BYTES) return false
    store<u32>(at + 8, count)
    store<u32>(at + 12, slot)
    store<u32>(at + 16, slot + count - 1)
    for (let k: u32 = 0; k < count; k++, slot++) {
      const meta = metaOf(slot)
      store<u16>(meta, 1)
      store<u8>(meta + 3, <u8>c)
      store<u32>(meta + 4, k + 1 == count ? NOBODY : slot + 1)
    }
  }
  end = base
  return true
}

/** Where the first slot begins. */
export function slotsBegin(): usize {
  return <usize>load<u32>(classes)
}

/** Where the last slot ends. */
export function slotsEnd(): usize {
  return end
}

function takeFrom(c: i32, kind: i32): u32 {
  const at = classAt(c)
  const free = load<u32>(at + 8)
  if (free == 0) return 0
  const slot = load<u32>(at + 12)
  const meta = metaOf(slot)
  store<u32>(at + 8, free - 1)
  store<u32>(at + 12, load<u32>(meta + 4))
  store<u8>(meta + 2, <u8>kind)
  held++
  return (slot << GENERATION_BITS) | load<u16>(meta)
}

/** A zeroed slot for a secret; 0 when none of its size is free. */
export function take(kind: i32): u32 {
  return takeFrom(classOf(kind), kind)
}

/** A slot for a deal of so many coefficients: a small one where that is enough. */
export function takeDeal(coefficients: u32): u32 {
  return takeFrom(coefficients <= FEW_COEFFICIENTS ? MEDIUM : DEALS, DEAL)
}

/** How many more of this kind there is room for. */
export function room(kind: i32): u32 {
  return load<u32>(classAt(classOf(kind)) + 8)
}

/** Where the secret of a handle lies; the handle must be live. */
export function at(handle: u32): usize {
  const slot = handle >> GENERATION_BITS
  const c: i32 = load<u8>(metaOf(slot) + 3)
  const entry = classAt(c)
  return <usize>load<u32>(entry) + <usize>(slot - load<u32>(entry + 4)) * bytesOfClass(c)
}

function kindOf(handle: u32): i32 {
  const slot = handle >> GENERATION_BITS
  if (slot < FIRST || slot >= slots) return 0
  const meta = metaOf(slot)
  return load<u16>(meta) == (handle & (GENERATIONS - 1)) ? load<u8>(meta + 2) : 0
}

/** Where the secret lies, or 0: a handle of another kind, a wiped or an invented one. */
export function find(handle: u32, kind: i32): usize {
  return kindOf(handle) == kind ? at(handle) : 0
}

/** Zeroes the secret and moves the slot to its next generation. False for a handle that names none. */
export function wipe(handle: u32): bool {
  if (kindOf(handle) == 0) return false
  const slot = handle >> GENERATION_BITS
  const meta = metaOf(slot)
  const c: i32 = load<u8>(meta + 3)
  zero(at(handle), bytesOfClass(c))
  const generation = load<u16>(meta) + 1
  store<u16>(meta, generation == <u16>GENERATIONS ? 1 : generation)
  store<u8>(meta + 2, 0)
  store<u32>(meta + 4, NOBODY)
  const entry = classAt(c)
  const free = load<u32>(entry + 8)
  if (free == 0) store<u32>(entry + 12, slot)
  else store<u32>(metaOf(load<u32>(entry + 16)) + 4, slot)
  store<u32>(entry + 16, slot)
  store<u32>(entry + 8, free + 1)
  held--
  return true
}

export function wipeAll(): void {
  for (let slot = FIRST; slot < slots; slot++) {
    const meta = metaOf(slot)
    if (load<u8>(meta + 2) != 0) wipe((slot << GENERATION_BITS) | load<u16>(meta))
  }
}

/** How many secrets are held. */
export function heldCount(): i32 {
  return held
}

/** The kind of secret a handle names, 0 for none. */
export function kind(handle: u32): i32 {
  return kindOf(handle)
}
