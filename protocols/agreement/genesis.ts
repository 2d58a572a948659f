import { objectTags } from '../crypto/tags.ts'
import { objectHash } from '../crypto/transcript.ts'
import { decodeCanonical, encodeCanonical } from '../session/canonical-cbor.ts'
import { DecodeError } from '../session/codec.ts'
import { bytesField, listField, objectFields, textField, uintField } from './fields.ts'
import { assertGenesisRules } from './genesis-rules.ts'

/** One member of a committee (03 §1.2). `index` is its x in every polynomial and never reused. */
export interface Member {
  readonly index: number
  /** Ed25519 key of the guest, 32 bytes. */
  readonly guestSig: Uint8Array
  /** X25519 key of the guest, 32 bytes. */
  readonly guestEnc: Uint8Array
  /** libp2p peer id, base58. */
  readonly peerId: string
  /** Ed25519 key of the operator, 32 bytes. */
  readonly operatorKey: Uint8Array
  /** SHA-256 of the guest bundle. */
  readonly measurement: Uint8Array
  readonly evidenceHash: Uint8Array
  readonly label: string
}

/** Parameters of a network (03 §1.2). `…S` are seconds, `…Ms` milliseconds. */
export interface Params {
  readonly t: number
  readonly maxMembers: number
  readonly refreshS: number
  readonly stampS: number
  readonly drainMs: number
  readonly acceptTtlMs: number
  readonly attestPolicyHash: Uint8Array | null
  readonly setupsPerHour: number
}

export type Environment = 'development' | 'production'

/** What the first operators agree on before any key exists; its hash is the network id (03 §1.2). */
export interface Genesis {
  readonly name: string
  /** 16 bytes. */
  readonly salt: Uint8Array
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly environment: Environment
  readonly params: Params
  readonly members: readonly Member[]
  /** Bundle hashes that members may run. */
  readonly allow: readonly Uint8Array[]
  readonly protocol: number
}

/** 16 members of some 400 bytes each fit many times (03 §1.1). */
export const MAX_GENESIS_BYTES: number = 64 * 1024
/** Largest committee (03 §1.2). */
export const MAX_MEMBERS = 16
const MAX_LABEL_CHARS = 64
const MAX_NAME_CHARS = 128
const MAX_PEER_ID_CHARS = 128
/** Arrays of the data model (05 §1). */
const MAX_ALLOWED = 64
const U16 = 0xffff

/** The genesis file. Throws `DecodeError` for a genesis that `decodeGenesis` would refuse. */
export function encodeGenesis(genesis: Genesis): Uint8Array {
  const bytes = encodeCanonical([
    'genesis',
    1,
    genesis.name,
    genesis.salt,
    genesis.createdAt,
    genesis.environment,
    encodeParams(genesis.params),
    genesis.members.map(encodeMember),
    genesis.allow,
    genesis.protocol,
  ])
  decodeGenesis(bytes)
  return bytes
}

/**
 * The genesis of which `bytes` is the only encoding. Throws `DecodeError`, with a plain reason, for
 * another form or a broken rule of 03 §1.3.
 */
export function decodeGenesis(bytes: Uint8Array): Genesis {
  const fields = objectFields(decodeCanonical(bytes, MAX_GENESIS_BYTES), 'genesis', 8)
  const [name, salt, createdAt, environment, params, members, allow, protocol] = fields
  if (environment !== 'development' && environment !== 'production')
    throw new DecodeError('environment is neither development nor production')
  const genesis: Genesis = {
    name: textField(name, 'name', MAX_NAME_CHARS),
    salt: bytesField(salt, 'salt', 16),
    createdAt: uintField(createdAt, 'createdAt'),
    environment,
    params: decodeParams(params),
    members: listField(members, 'members', MAX_MEMBERS).map(decodeMember),
    allow: listField(allow, 'allow', MAX_ALLOWED).map((hash) => bytesField(hash, 'allow', 32)),
    protocol: uintField(protocol, 'protocol', U16),
  }
  assertGenesisRules(genesis, quorums(genesis.members.length, genesis.params.t))
  return genesis
}

/** The numbers of a committee of n (spec "Thresholds", 03 §2). */
export interface Quorums {
  /** Dishonest members that agreement survives. */
  readonly f: number
  /** Votes of a certificate. */
  readonly q: number
  /** Members that a reader must have heard, itself included. */
  readonly L: number
  /** Members that must be up for a new key. */
  readonly h: number
}

/** f, q, L and h of 03 §2 for n members and threshold t. */
export function quorums(n: number, t: number): Quorums {
  const f = Math.floor((n - 1) / 3)
  const q = Math.ceil((2 * n) / 3)
  return { f, q, L: n - q + f + 1, h: Math.max(q, Math.min(n, t + f)) }
}

/** networkId = H(network; genesis), 32 bytes. */
export const networkIdOf = (encodedGenesis: Uint8Array): Uint8Array =>
  objectHash(objectTags.network, encodedGenesis)

/** committeeId = H(committee; [networkId, ordinal]), 32 bytes. */
export const committeeIdOf = (networkId: Uint8Array, ordinal: number): Uint8Array =>
  objectHash(objectTags.committee, encodeCanonical([networkId, ordinal]))

const encodeMember = (member: Member): unknown[] => [
  'member',
  1,
  member.index,
  member.guestSig,
  member.guestEnc,
  member.peerId,
  member.operatorKey,
  member.measurement,
  member.evidenceHash,
  member.label,
]

function decodeMember(value: unknown): Member {
  const [index, guestSig, guestEnc, peerId, operatorKey, measurement, evidenceHash, label] =
    objectFields(value, 'member', 8)
  return {
    index: uintField(index, 'index', U16),
    guestSig: bytesField(guestSig, 'guestSig', 32),
    guestEnc: bytesField(guestEnc, 'guestEnc', 32),
    peerId: textField(peerId, 'peerId', MAX_PEER_ID_CHARS),
    operatorKey: bytesField(operatorKey, 'operatorKey', 32),
    measurement: bytesField(measurement, 'measurement', 32),
    evidenceHash: bytesField(evidenceHash, 'evidenceHash', 32),
    label: textField(label, 'label', MAX_LABEL_CHARS),
  }
}

const encodeParams = (params: Params): unknown[] => [
  'params',
  1,
  params.t,
  params.maxMembers,
  params.refreshS,
  params.stampS,
  params.drainMs,
  params.acceptTtlMs,
  params.attestPolicyHash,
  params.setupsPerHour,
]

function decodeParams(value: unknown): Params {
  const [t, maxMembers, refreshS, stampS, drainMs, acceptTtlMs, policy, setupsPerHour] =
    objectFields(value, 'params', 8)
  return {
    t: uintField(t, 't', U16),
    maxMembers: uintField(maxMembers, 'maxMembers', MAX_MEMBERS),
    refreshS: uintField(refreshS, 'refreshS'),
    stampS: uintField(stampS, 'stampS'),
    drainMs: uintField(drainMs, 'drainMs'),
    acceptTtlMs: uintField(acceptTtlMs, 'acceptTtlMs'),
    attestPolicyHash: policy === null ? null : bytesField(policy, 'attestPolicyHash', 32),
    setupsPerHour: uintField(setupsPerHour, 'setupsPerHour'),
  }
}
