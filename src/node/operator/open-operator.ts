import type { Guest } from '../../../enclave-runtime/host/guest.ts'
import type { RecordStore } from '../../../enclave-runtime/host/record-store.ts'
import type { Genesis } from '../../../protocols/agreement/genesis.ts'
import type { Log } from '../log.ts'
import type { Network } from '../network.ts'
import type { OperatorActions } from './actions.ts'
import type { AlertSettings } from './alerts.ts'
import { openBackup } from './backup-reader.ts'
import { JoinBox } from './join-box.ts'
import { OperatorError } from './messages.ts'
import { NodeActions } from './node-actions.ts'
import { type OperatorServer, serveOperator } from './server.ts'

export interface OperatorInit {
  readonly socket: string
  readonly guest: Guest
  readonly store: RecordStore
  readonly network: Network
  readonly genesis: Pick<Genesis, 'environment'>
  readonly networkId: Uint8Array
  readonly alerts: AlertSettings
  readonly now: () => number
  readonly log: Log
}

const LOOK_MS = 10_000 // how often alerts are looked for when nobody asks
const LOOK_TIMEOUT_MS = 5_000

/** Opens the operator's door of a node, and looks for alerts as long as it is open (03 §12). */
export async function openOperator(
  init: OperatorInit,
): Promise<OperatorServer & { readonly actions: OperatorActions }> {
  const { guest, store, network, networkId, now, log } = init
  const joins = new JoinBox(networkId, now)
  network.committee.onJoin((join) => {
    const taken = joins.add(join)
    if (taken) log.info('join-asked')
    return taken
  })
  const startedAt = now()
  const isDevelopment = init.genesis.environment === 'development'
  const actions = new NodeActions({
    committee: guest.committee,
    networkId,
    guestSig: guest.hello.guestSig,
    peerId: network.peerId,
    environment: init.genesis.environment,
    silence: (peer) => {
      const { up, since } = network.links.state(peer)
      return up ? 0 : Math.max(0, now() - Math.max(since, startedAt))
    },
    joins,
    sendJoin: async (join, signal) => {
      if ((await network.committee.offerJoin(join, signal)) === 0)
        throw new OperatorError('waiting', 'no member took the join', 'see that members are up')
    },
    openBackup: (status) => openBackup(store, status),
    partition: isDevelopment ? (from) => network.cutOff(from) : null,
    settings: init.alerts,
    begins: ({ id, severity, message }) =>
      log[severity === 'page' ? 'error' : 'warn']('alert', { code: id, reason: message }),
    now,
  })
  const look = setInterval(() => {
    // A guest that has no committee yet, or hangs, is told of elsewhere.
    actions.alerts(AbortSignal.timeout(LOOK_TIMEOUT_MS)).catch(() => undefined)
  }, LOOK_MS)
  const server = await serveOperator(init.socket, actions, log)
  return {
    actions,
    close: async () => {
      clearInterval(look)
      await server.close()
    },
  }
}
