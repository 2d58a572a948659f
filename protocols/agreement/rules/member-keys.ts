import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Member } from '../objects/member.ts'

const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{40,80}$/

/** Names of a member that no other member may have (03 §1.3 R9). */
export type MemberNames = Pick<Member, 'guestSig' | 'guestEnc' | 'peerId' | 'operatorKey'>

/** What is wrong with the keys and the peer id of `whose`; undefined if nothing is (03 §1.1). */
export function memberKeysReason(member: MemberNames, whose: string): string | undefined {
  if (!isSigningKey(member.guestSig)) return `guestSig of ${whose} is no key`
  if (!isSigningKey(member.operatorKey)) return `operatorKey of ${whose} is no key`
  if (!isAgreementKey(member.guestEnc)) return `guestEnc of ${whose} is no key`
  return PEER_ID.test(member.peerId) ? undefined : `peerId of ${whose} is no peer id`
}

/** Which name two members share; undefined if none (03 §1.3 R9). */
export function sharedName(members: readonly MemberNames[]): keyof MemberNames | undefined {
  const names = {
    guestSig: members.map(({ guestSig }) => bytesToHex(guestSig)),
    guestEnc: members.map(({ guestEnc }) => bytesToHex(guestEnc)),
    peerId: members.map(({ peerId }) => peerId),
    operatorKey: members.map(({ operatorKey }) => bytesToHex(operatorKey)),
  }
  const kinds = Object.keys(names) as (keyof MemberNames)[]
  return kinds.find((kind) => new Set(names[kind]).size !== members.length)
}

/** A canonical Ed25519 key that is not of small order: with such a key anyone could sign (03 §1.1). */
export function isSigningKey(key: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(key, false).isSmallOrder()
  } catch {
    return false // not the encoding of a point
  }
}

/** An X25519 key that gives a secret; noble refuses the all-zero result of points of small order. */
export function isAgreementKey(key: Uint8Array): boolean {
  try {
    x25519.getSharedSecret(ANY_SCALAR, key)
    return true
  } catch {
    return false // of small order
  }
}

/** Clamping makes any scalar a multiple of 8, so points of small order go to zero whatever it is. */
const ANY_SCALAR = new Uint8Array(32).fill(1)
