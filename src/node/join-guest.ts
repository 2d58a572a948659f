import type { Guest } from '../../enclave-runtime/host/guest.ts'
import { LinkError } from './channels/links.ts'
import type { Roster } from './committee/roster.ts'
import type { Log } from './log.ts'
import type { Network } from './network.ts'
import { sharedDeadline } from './shared-deadline.ts'

const URGENT_BYTES = 262_144 + 64 // what the urgent lane carries (07 §6.2); larger goes as bulk
const SEND_TIMEOUT_MS = 10_000 // rounds end sooner; a peer that takes nothing for so long is gone

/**
 * Joins a guest to the network: envelopes and letters both ways, which links are up, and who takes part, as the guest
 * says. The host reads none of them.
 */
export function joinGuest(guest: Guest, network: Network, roster: Roster, log: Log): void {
  const { links, committee } = network
  const sendDeadline = sharedDeadline(SEND_TIMEOUT_MS)
  guest.onEnvelope(async (to, bytes, priority) => {
    const peers = roster.peersOf(to)
    const peer = peers.find((name) => links.state(name).up) ?? peers[0]
    if (peer === undefined) throw new LinkError('UNREACHABLE')
    const lane = priority === 0 && bytes.length <= URGENT_BYTES ? 'urgent' : 'bulk'
    await links.send(peer, bytes, lane, sendDeadline())
  })
  links.onEnvelope(async (from, bytes) => {
    const party = roster.linked.get(from)
    if (party === undefined) return // it left while this was on its way
    await take('deliver-failed', guest.deliver(party, bytes), log)
  })
  guest.committee.onLetter((to, bytes) => committee.send(to, bytes))
  committee.onLetter((bytes) => take('letter-failed', guest.committee.letter(bytes), log))
  guest.committee.onPublish((published) => {
    network
      .adopt(published)
      .catch((error: Error) => log.error('committee-unsaved', { reason: error.message }))
  })
  committee.onHistory((e, signal) => guest.committee.history(e, signal))

  const tellLinks = (): void => {
    const up = [...roster.linked].filter(([peer]) => links.state(peer).up)
    guest.links([...new Set(up.map(([, party]) => party))].sort((a, b) => a - b))
  }
  links.onState(tellLinks)
  guest.committee.onView((view) => {
    roster.follow(view)
    tellLinks()
    log.info('committee-view', {
      ...(view.epoch === null ? {} : { epoch: view.epoch.e, attempt: view.epoch.k }),
      count: view.members.length,
      code: view.standing,
    })
  })
}

/** The guest is gone or full: its sessions end by their deadlines, letters come again, and its end is told elsewhere. */
async function take(event: string, delivered: Promise<void>, log: Log): Promise<void> {
  try {
    await delivered
  } catch (error) {
    log.warn(event, { reason: error instanceof Error ? error.message : '' })
  }
}
