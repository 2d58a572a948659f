import { tags } from '../crypto/tags.ts'
import { type Oracle, oracle } from '../crypto/transcript.ts'

/** 0: Alice is lo, Bob is hi; 1: the other way round (02 §1.1). */
export type Direction = 0 | 1

const u8 = (value: number): Uint8Array => Uint8Array.of(value)
const u16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >>> 8)

/** RO(pair-dir; pairSid, u8 direction): the sid of one direction's base OT and PPRF. */
export const pairDirection = (
  pairSid: Uint8Array,
  direction: Direction,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.pairDir, 32, pairSid, u8(direction))

/**
 * RO(rvole-sid; parentSid, setupId, u16 index, u8 direction): sid_m of one multiplication, which must
 * never repeat: a repeated one shows β ⊕ β̂ (02, pitfalls).
 */
export const rvoleSid = (
  parentSid: Uint8Array,
  setupId: Uint8Array,
  index: number,
  direction: Direction,
  hash: Oracle = oracle,
): Uint8Array => hash(tags.rvoleSid, 32, parentSid, setupId, u16(index), u8(direction))
