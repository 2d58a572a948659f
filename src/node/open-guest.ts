import type { Bundle } from '../../enclave-runtime/host/bundle.ts'
import type { Guest } from '../../enclave-runtime/host/guest.ts'
import { launchGuest } from '../../enclave-runtime/host/launch.ts'
import { openLevelStore } from '../../enclave-runtime/host/level-store.ts'
import type { RecordStore } from '../../enclave-runtime/host/record-store.ts'
import type { GuestSettings } from '../../enclave-runtime/port/guest-settings.ts'

export interface GuestPlan {
  readonly bundle: Bundle
  /** Folder of the sealed records. */
  readonly records: string
  readonly keysDir: string
  readonly genesis: Uint8Array | null
  readonly kernel: 'reference' | 'wasm'
  readonly peerId: string
  readonly settings: GuestSettings
  /** The records were rolled back, and the operator knows it (03 §9.4). */
  readonly isRejoining?: boolean
}

/**
 * Opens the records and starts a guest on them; `close` ends the guest, then closes the records. Records are
 * made only before the node has a network: later, missing records are lost shares and no reason to begin anew.
 */
export async function openGuest(plan: GuestPlan): Promise<{
  guest: Guest
  store: RecordStore
  close(): Promise<void>
}> {
  const store = await openLevelStore(plan.records, { create: plan.genesis === null })
  try {
    const { bundle, keysDir, genesis, kernel, peerId, settings, isRejoining = false } = plan
    const guest = await launchGuest({
      bundle,
      store,
      keysDir,
      genesis,
      kernel,
      peerId,
      settings,
      isRejoining,
      launcher: 'plain',
    })
    return {
      guest,
      store,
      close: async () => {
        try {
          await guest.stop()
        } finally {
          await store.close()
        }
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}
