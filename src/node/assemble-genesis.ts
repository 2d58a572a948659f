import type { MemberFields } from '../../enclave-runtime/host/guest.ts'
import { type Environment, encodeGenesis, networkIdOf } from '../../protocols/agreement/genesis.ts'
import { MAX_MEMBERS } from '../../protocols/agreement/objects/items.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import { ConfigError } from './config.ts'

export interface GenesisPlan {
  readonly name: string
  /** In the order in which they get their indices, from 1. */
  readonly members: readonly MemberFields[]
  readonly threshold: number
  readonly environment: Environment
  /** 16 random bytes: two networks of the same members are two networks. */
  readonly salt: Uint8Array
  /** Unix milliseconds. */
  readonly createdAt: number
}

const REFRESH_S = 7 * 24 * 3600 // 03 §7
const STAMP_S = 3600 // 03 §3.3
const DRAIN_MS = 30_000 // 03 §4.1 S12
const ACCEPT_TTL_MS = 24 * 3600 * 1000 // operators sleep
const DEVELOPMENT_SETUPS_PER_HOUR = 600 // 03 §1.2: nodes of a testnet restart all the time
const PRODUCTION_SETUPS_PER_HOUR = 6 // 03 §1.2, 02 §2.7

/** The genesis file of a new network, and its id (03 §1.2). @throws ConfigError with the broken rule. */
export function assembleGenesis(plan: GenesisPlan): { file: Uint8Array; networkId: Uint8Array } {
  const { members, environment } = plan
  const measurements = new Map(
    members.map(({ measurement }) => [Buffer.from(measurement).toString('hex'), measurement]),
  )
  try {
    const file = encodeGenesis({
      name: plan.name,
      salt: plan.salt,
      createdAt: plan.createdAt,
      environment,
      params: {
        t: plan.threshold,
        maxMembers: MAX_MEMBERS,
        refreshS: REFRESH_S,
        stampS: STAMP_S,
        drainMs: DRAIN_MS,
        acceptTtlMs: ACCEPT_TTL_MS,
        attestPolicyHash: null,
        setupsPerHour:
          environment === 'development' ? DEVELOPMENT_SETUPS_PER_HOUR : PRODUCTION_SETUPS_PER_HOUR,
      },
      members: members.map((member, position) => ({ index: position + 1, ...member })),
      allow: [...measurements.values()],
      protocol: 1,
    })
    return { file, networkId: networkIdOf(file) }
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new ConfigError([`this genesis is not allowed: ${cause.message}`], { cause })
  }
}
