import { bytesToHex } from '@noble/hashes/utils.js'
import { DecodeError } from '../session/codec.ts'
import type { Genesis } from './genesis.ts'
import { memberKeysReason, sharedName } from './rules/member-keys.ts'
import { thresholdReason } from './rules/thresholds.ts'

/** The one protocol version (03 §1.1). */
export const PROTOCOL_VERSION = 1
/** Pair setups an hour in production: each may leak a bit to a cheater who is not noticed (02 §2.7). */
export const PRODUCTION_SETUPS_PER_HOUR = 6

/** The rules of 03 §1.3 that a genesis can break. Throws `DecodeError` with a plain reason. */
export function assertGenesisRules(genesis: Genesis): void {
  const { name, params, members, allow, protocol } = genesis
  if (name === '') throw new DecodeError('the network has no name')
  if (protocol !== PROTOCOL_VERSION) throw new DecodeError(`protocol ${protocol} is not known`)
  refuse(thresholdReason(members.length, params.t, params.maxMembers))
  refuse(setupsReason(genesis.environment, params.setupsPerHour))
  const allowed = new Set(allow.map(bytesToHex))
  if (allowed.size !== allow.length) throw new DecodeError('a measurement is allowed twice')
  members.forEach((member, position) => {
    if (member.index !== position + 1) throw new DecodeError('indices are not 1 to n in order')
    refuse(memberKeysReason(member, `member ${member.index}`))
    if (!allowed.has(bytesToHex(member.measurement)))
      throw new DecodeError(`the measurement of member ${member.index} is not allowed`)
  })
  const shared = sharedName(members)
  if (shared !== undefined) throw new DecodeError(`two members have the same ${shared}`)
}

/** What is wrong with a number of pair setups an hour; undefined if nothing is (03 §1.2). */
export function setupsReason(
  environment: Genesis['environment'],
  setupsPerHour: number,
): string | undefined {
  if (environment === 'production' && setupsPerHour !== PRODUCTION_SETUPS_PER_HOUR)
    return `setupsPerHour is not ${PRODUCTION_SETUPS_PER_HOUR} in production`
  return setupsPerHour === 0 ? 'setupsPerHour is 0' : undefined
}

function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw new DecodeError(reason)
}
