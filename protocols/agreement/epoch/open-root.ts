import { listRoot } from '../chain/pages.ts'
import type { OpenInstance } from './messages.ts'

/** openRoot of CLOSE: over what the log of the old epoch left open, in the order in which it is told (03 §9.3). */
export const openRootOf = (open: readonly OpenInstance[]): Uint8Array =>
  listRoot(
    open.map(({ subject, index, preparedRound, prepared, proof }) => [
      subject,
      index,
      preparedRound,
      prepared,
      proof,
    ]),
  )
