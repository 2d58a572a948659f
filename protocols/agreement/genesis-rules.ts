import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { DecodeError } from '../session/codec.ts'
import type { Genesis, Quorums } from './genesis.ts'
import type { Member } from './objects/member.ts'

/** Fewest members for which a threshold below n and a majority exist (03 §1.3 R4). */
export const MIN_MEMBERS = 3
/** The one protocol version (03 §1.1). */
export const PROTOCOL_VERSION = 1
/** Pair setups an hour in production: each may leak a bit to a cheater who is not noticed (02 §2.7). */
export const PRODUCTION_SETUPS_PER_HOUR = 6
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{40,80}$/

/** The rules of 03 §1.3 that a genesis can break. Throws `DecodeError` with a plain reason. */
export function assertGenesisRules(genesis: Genesis, { q }: Quorums): void {
  const { name, params, members, allow, protocol } = genesis
  if (name === '') throw new DecodeError('the network has no name')
  if (protocol !== PROTOCOL_VERSION) throw new DecodeError(`protocol ${protocol} is not known`)
  assertThreshold(members.length, params.t, params.maxMembers, q)
  if (genesis.environment === 'production' && params.setupsPerHour !== PRODUCTION_SETUPS_PER_HOUR)
    throw new DecodeError(`setupsPerHour is not ${PRODUCTION_SETUPS_PER_HOUR} in production`)
  if (params.setupsPerHour === 0) throw new DecodeError('setupsPerHour is 0')
  const allowed = new Set(allow.map(bytesToHex))
  if (allowed.size !== allow.length) throw new DecodeError('a measurement is allowed twice')
  members.forEach((member, position) => {
    if (member.index !== position + 1) throw new DecodeError('indices are not 1 to n in order')
    assertMember(member)
    if (!allowed.has(bytesToHex(member.measurement)))
      throw new DecodeError(`the measurement of member ${member.index} is not allowed`)
  })
  assertDistinct(members)
}

/** R4: 3 <= n <= maxMembers and n/2 < t <= min(n-1, q). */
function assertThreshold(n: number, t: number, maxMembers: number, q: number): void {
  if (n < MIN_MEMBERS || n > maxMembers)
    throw new DecodeError(`${n} members, where ${MIN_MEMBERS} to ${maxMembers} are allowed`)
  const most = Math.min(n - 1, q)
  if (t * 2 <= n || t > most)
    throw new DecodeError(`threshold ${t} is not above ${n}/2 and at most ${most}`)
}

function assertMember({ index, guestSig, guestEnc, operatorKey, peerId }: Member): void {
  if (!isSigningKey(guestSig)) throw new DecodeError(`guestSig of member ${index} is no key`)
  if (!isSigningKey(operatorKey)) throw new DecodeError(`operatorKey of member ${index} is no key`)
  if (!isAgreementKey(guestEnc)) throw new DecodeError(`guestEnc of member ${index} is no key`)
  if (!PEER_ID.test(peerId)) throw new DecodeError(`peerId of member ${index} is no peer id`)
}

/** R9: each of these is another for every member. */
function assertDistinct(members: readonly Member[]): void {
  const kinds = {
    guestSig: members.map(({ guestSig }) => bytesToHex(guestSig)),
    guestEnc: members.map(({ guestEnc }) => bytesToHex(guestEnc)),
    peerId: members.map(({ peerId }) => peerId),
    operatorKey: members.map(({ operatorKey }) => bytesToHex(operatorKey)),
  }
  for (const [kind, values] of Object.entries(kinds))
    if (new Set(values).size !== values.length)
      throw new DecodeError(`two members have the same ${kind}`)
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
function isAgreementKey(key: Uint8Array): boolean {
  try {
    x25519.getSharedSecret(ANY_SCALAR, key)
    return true
  } catch {
    return false // of small order
  }
}

/** Clamping makes any scalar a multiple of 8, so points of small order go to zero whatever it is. */
const ANY_SCALAR = new Uint8Array(32).fill(1)
