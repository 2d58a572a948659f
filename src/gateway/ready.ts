import type { NodeStatus } from '../wire/status.ts'

export interface Readiness {
  readonly ready: boolean
  /** Whether every pair setup that can be made is made. */
  readonly complete: boolean
  /** Members that can sign with this node now, itself included. */
  readonly signers: number
  readonly threshold: number
  readonly reasons: readonly string[]
}

/** A node is ready when its guest lives and, with the setups and links it has now, a quorum can sign. */
export function readiness(status: NodeStatus): Readiness {
  const { guest, links, threshold, index } = status
  const linked = new Set(
    links.filter(({ up, suspect }) => up && !suspect).map(({ party }) => party),
  )
  const able = guest.pairs.filter(({ party, state }) => state === 'ready' && linked.has(party))
  const open = guest.pairs.filter(({ party, state }) => party !== index && state !== 'ready')
  const pending = open.filter(({ state }) => state !== 'banned')
  const signers = able.filter(({ party }) => party !== index).length + 1
  const reasons = [
    ...(guest.alive ? [] : ['the guest does not answer']),
    ...(guest.alive && !guest.ready ? ['the guest is not ready'] : []),
    ...(signers >= threshold ? [] : [`${signers} of ${threshold} needed signers are available`]),
    ...links.filter(({ up }) => !up).map(({ party }) => `no link to member ${party}`),
    ...open.map(({ party, state }) => `pair setup with member ${party}: ${state}`),
  ]
  const ready = guest.alive && guest.ready && signers >= threshold
  return { ready, complete: guest.alive && pending.length === 0, signers, threshold, reasons }
}
