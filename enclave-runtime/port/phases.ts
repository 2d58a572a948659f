import { object, type Shape, uint } from './shape.ts'

/** The part of a request's way that a guest walks, in order (10 §6.4). */
export const GUEST_PHASES = [
  'open',
  'verify',
  'policy',
  'reserve',
  'forward',
  'r1',
  'r1b',
  'r2',
  'r3',
  'record',
  'combine',
] as const

export type GuestPhase = (typeof GUEST_PHASES)[number]

/** Microseconds by phase; a phase that took no time is absent. Numbers only: they say nothing of the request. */
export type PhaseTimes = { readonly [phase in GuestPhase]?: number }

const MAX_US = 3_600_000_000 // no request lives for an hour

const micros: Shape<number> = uint(MAX_US)

export const phaseTimes: Shape<PhaseTimes> = object<PhaseTimes>(
  {
    open: micros,
    verify: micros,
    policy: micros,
    reserve: micros,
    forward: micros,
    r1: micros,
    r1b: micros,
    r2: micros,
    r3: micros,
    record: micros,
    combine: micros,
  },
  [...GUEST_PHASES],
)
