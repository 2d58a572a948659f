/** T(1) of an epoch's instance, ms; that of a log entry (03 §5). */
export const EPOCH_ROUND_MS = 4_000
export const LOG_ROUND_MS = 1_000

/** The place, before reduction by n, of an epoch's first leader: u32be of iid[0..4] (03 §5). */
export const epochFirstLeader = (iid: Uint8Array): number =>
  new DataView(iid.buffer, iid.byteOffset).getUint32(0)
