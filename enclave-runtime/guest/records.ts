import type { RecordsOfEpoch } from './vault/vault.ts'

/** The part of the vault that a room of one epoch needs: records, shares, and signatures by GI (04 §5, §6). */
export type Records = RecordsOfEpoch
