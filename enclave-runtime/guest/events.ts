import type { PartyIndex } from '../../protocols/session/faults.ts'
import type { EventCode } from '../port/messages.ts'

/** Tells the host what happened: codes and numbers of a fixed catalogue, nothing else (04 §2). */
export type Tell = (code: EventCode, party?: PartyIndex, number?: number) => void
