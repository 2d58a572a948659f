import { objectTags } from '../crypto/tags.ts'
import { objectHash } from '../crypto/transcript.ts'
import { decodeCanonical, encodeCanonical } from '../session/canonical-cbor.ts'
import { DecodeError } from '../session/codec.ts'
import { bytesField, listField, objectFields, textField, uintField } from './fields.ts'
import { assertGenesisRules } from './genesis-rules.ts'
import { MAX_ALLOWED, MAX_MEMBERS } from './objects/items.ts'
import { Member } from './objects/member.ts'
import { Params } from './objects/params.ts'

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
const MAX_NAME_CHARS = 128
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
    Params.write(genesis.params),
    genesis.members.map(Member.write),
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
    params: Params.read(params, 'params'),
    members: listField(members, 'members', MAX_MEMBERS).map((member) =>
      Member.read(member, 'member'),
    ),
    allow: listField(allow, 'allow', MAX_ALLOWED).map((hash) => bytesField(hash, 'allow', 32)),
    protocol: uintField(protocol, 'protocol', U16),
  }
  assertGenesisRules(genesis)
  return genesis
}

/** networkId = H(network; genesis), 32 bytes. */
export const networkIdOf = (encodedGenesis: Uint8Array): Uint8Array =>
  objectHash(objectTags.network, encodedGenesis)

/** committeeId = H(committee; [networkId, ordinal]), 32 bytes. */
export const committeeIdOf = (networkId: Uint8Array, ordinal: number): Uint8Array =>
  objectHash(objectTags.committee, encodeCanonical([networkId, ordinal]))
