import type { Guest } from '../../enclave-runtime/host/guest.ts'
import { launchGuest } from '../../enclave-runtime/host/launch.ts'
import { LevelRecordStore } from '../../enclave-runtime/host/level-store.ts'

export interface GuestPlan {
  /** Path of the bundle. */
  readonly bundle: string
  /** Folder of the sealed records. */
  readonly records: string
  readonly keysDir: string
  readonly genesis: Uint8Array | null
  readonly kernel: 'reference' | 'wasm'
  readonly peerId: string
}

/** Opens the records and starts a guest on them; `close` ends the guest, then closes the records. */
export async function openGuest(plan: GuestPlan): Promise<{
  guest: Guest
  close(): Promise<void>
}> {
  const store = await LevelRecordStore.open(plan.records)
  try {
    const { bundle, keysDir, genesis, kernel, peerId } = plan
    const guest = await launchGuest({
      bundle,
      store,
      keysDir,
      genesis,
      kernel,
      peerId,
      launcher: 'plain',
    })
    return {
      guest,
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
