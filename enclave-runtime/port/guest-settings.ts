import { DecodeError } from '../../protocols/session/codec.ts'
import { flag, object, oneOf, type Shape, uint } from './shape.ts'

/**
 * What an operator sets for the guest. The host hands it over and may change it, so it decides only how much
 * is made ahead and how fast, never what is safe. A pool of size 0 is switched off.
 */
export interface GuestSettings {
  /** Correlations per pair (02 §4.3): refilled below `low`, up to `high`. */
  readonly correlations: { readonly low: number; readonly high: number }
  /** Presignatures kept per derived key that was used in the last `warmMinutes` (02 §6.3). */
  readonly presignatures: { readonly keep: number; readonly warmMinutes: number }
  /** Keys that wait for an account (02 §5). */
  readonly readyKeys: number
  /** What all of this may cost. */
  readonly background: { readonly cpuPercent: number; readonly mbitPerSecond: number }
  /** How the committee may change without its operator being asked (03 §7). */
  readonly operator: OperatorSettings
}

/**
 * What of the operator file concerns the guest (03 §7). Its opinion of a proposal follows from `autoAccept`; where a
 * yes needs the operator's signature, the operator's tools make it, and no setting of the host replaces it.
 */
export interface OperatorSettings {
  readonly autoAccept: {
    readonly refresh: boolean
    /** A member that goes by its own proposal. */
    readonly leaveOwn: boolean
    /** Joins and updates; `attested`: those whose evidence passes the policy of the network. */
    readonly join: boolean | 'attested'
    readonly remove: boolean
    /** Bundles that are added or dropped. */
    readonly allow: boolean
  }
  /** Whether this member proposes a refresh when one is due. */
  readonly refreshSchedule: boolean
}

/** Smallest and largest value of each setting, and what it is when nobody sets it. */
export const GUEST_SETTINGS = {
  correlations: {
    low: { min: 0, max: 1024, usual: 16 }, // 02 §4.3; a guest holds no more than it has room for
    high: { min: 0, max: 1024, usual: 48 },
  },
  presignatures: {
    keep: { min: 0, max: 64, usual: 4 }, // 02 §6.3: at most 64 outstanding per derived key
    warmMinutes: { min: 1, max: 1440, usual: 5 }, // none is older than a day
  },
  readyKeys: { min: 0, max: 64, usual: 8 }, // made in batches of at most 16
  background: {
    cpuPercent: { min: 1, max: 100, usual: 25 }, // of one core: the guest has one thread
    mbitPerSecond: { min: 1, max: 10_000, usual: 20 },
  },
} as const

/** A human is needed for everything that changes who holds shares. */
export const DEFAULT_OPERATOR_SETTINGS: OperatorSettings = {
  autoAccept: { refresh: true, leaveOwn: true, join: false, remove: false, allow: false },
  refreshSchedule: true,
}

interface Bounds {
  readonly min: number
  readonly max: number
  readonly usual: number
}

const within = ({ min, max }: Bounds): Shape<number> => uint(max, min)

const { correlations, presignatures, readyKeys, background } = GUEST_SETTINGS

export const DEFAULT_GUEST_SETTINGS: GuestSettings = {
  correlations: { low: correlations.low.usual, high: correlations.high.usual },
  presignatures: { keep: presignatures.keep.usual, warmMinutes: presignatures.warmMinutes.usual },
  readyKeys: readyKeys.usual,
  background: {
    cpuPercent: background.cpuPercent.usual,
    mbitPerSecond: background.mbitPerSecond.usual,
  },
  operator: DEFAULT_OPERATOR_SETTINGS,
}

const correlationMarks = object<GuestSettings['correlations']>({
  low: within(correlations.low),
  high: within(correlations.high),
})

export const guestSettings: Shape<GuestSettings> = object<GuestSettings>({
  correlations: (value) => {
    const marks = correlationMarks(value)
    if (marks.low > marks.high) throw new DecodeError('low is above high')
    return marks
  },
  presignatures: object<GuestSettings['presignatures']>({
    keep: within(presignatures.keep),
    warmMinutes: within(presignatures.warmMinutes),
  }),
  readyKeys: within(readyKeys),
  background: object<GuestSettings['background']>({
    cpuPercent: within(background.cpuPercent),
    mbitPerSecond: within(background.mbitPerSecond),
  }),
  operator: object<OperatorSettings>({
    autoAccept: object<OperatorSettings['autoAccept']>({
      refresh: flag,
      leaveOwn: flag,
      join: oneOf<boolean | 'attested'>(true, false, 'attested'),
      remove: flag,
      allow: flag,
    }),
    refreshSchedule: flag,
  }),
})
