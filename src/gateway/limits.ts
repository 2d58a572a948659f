import type { Rate } from './token-buckets.ts'

/** Rates of unsealed requests (05 §4.4); the guests have their own. */
export interface GatewayLimits {
  /** Calls of one address; a batch counts each. */
  readonly address: Rate
  /** Accounts made from one address: each costs all members a key generation. */
  readonly registrations: Rate
  /** Requests of one account, counted once the guest knows that it is the account. */
  readonly account: Rate
  /** HTTP requests under way at once. */
  readonly open: number
}

export const GATEWAY_LIMITS: GatewayLimits = {
  address: { perMinute: 120, burst: 40 },
  registrations: { perMinute: 6, burst: 3 },
  account: { perMinute: 60, burst: 20 },
  open: 1_000,
}
