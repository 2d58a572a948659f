import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import type { Genesis } from '../../../protocols/agreement/genesis.ts'
import type { Member } from '../../../protocols/agreement/objects/member.ts'
import { seeded } from '../../support/seeded.ts'

export const BUNDLE: Uint8Array = new Uint8Array(32).fill(0xb0)

/** Member `index` of an example network, the same in every run. */
export function exampleMember(index: number): Member {
  const random = seeded(`member ${index}`)
  return {
    index,
    guestSig: ed25519.getPublicKey(random(32)),
    guestEnc: x25519.getPublicKey(random(32)),
    peerId: `12D3KooWExamp1ePeer${'abcdefghijkmnopqrstuvwxyzABCDEFGH'.slice(index)}${'1'.repeat(index)}`,
    operatorKey: ed25519.getPublicKey(random(32)),
    measurement: BUNDLE,
    evidenceHash: new Uint8Array(32),
    label: `node ${index}`,
  }
}

/** A genesis that keeps every rule, for n members and threshold t. */
export function exampleGenesis(n: number, t: number): Genesis {
  return {
    name: 'example',
    salt: new Uint8Array(16).fill(7),
    createdAt: 1_800_000_000_000,
    environment: 'development',
    params: {
      t,
      maxMembers: 16,
      refreshS: 604_800,
      stampS: 3600,
      drainMs: 30_000,
      acceptTtlMs: 60_000,
      attestPolicyHash: null,
      setupsPerHour: 600,
    },
    members: Array.from({ length: n }, (_, position) => exampleMember(position + 1)),
    allow: [BUNDLE],
    protocol: 1,
  }
}
