import type { Turn } from './turn.ts'

/** Whether READY for attempt (e, k) may end the quarantine: nothing that this member forgot can be about it (03 §9.4). */
export const endsQuarantine = ({ state }: Turn, e: number, k: number): boolean =>
  state.quarantine !== null &&
  (e > state.quarantine.e || (e === state.quarantine.e && k > state.quarantine.k))
