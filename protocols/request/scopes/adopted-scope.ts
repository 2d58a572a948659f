import type { Scope } from './scope.ts'

/**
 * What binds an account (05 §1.2): the version it adopted, less what newer versions took away at once:
 * frozen, revoked keys, origins, issuers. Nothing that a newer version adds or loosens is in it.
 */
export function adoptedScope(adopted: Scope, newest: Scope): Scope {
  const { rp: _, ...rest } = adopted
  const rp = remainingRp(adopted, newest)
  return {
    ...rest,
    ...(rp === undefined ? {} : { rp }),
    frozen: newest.frozen,
    revoked: [...new Set([...adopted.revoked, ...newest.revoked])],
    oidc: adopted.oidc.filter(({ issuer }) => newest.oidc.some((one) => one.issuer === issuer)),
  }
}

/** Undefined where no origin is left. */
function remainingRp({ rp }: Scope, { rp: newest }: Scope): Scope['rp'] {
  if (rp === undefined || newest === undefined || rp.id !== newest.id) return undefined
  const origins = rp.origins.filter((origin) => newest.origins.includes(origin))
  if (origins.length === 0) return undefined
  const around = newest.crossOrigin === false ? [] : newest.crossOrigin
  const kept = rp.crossOrigin === false ? [] : rp.crossOrigin.filter((one) => around.includes(one))
  return { ...rp, origins, crossOrigin: kept.length === 0 ? false : kept }
}

/** Where a newer version stands with an account, from its log. */
export interface AdoptionNotice {
  /** Time of the certified notice, unix seconds; null before it. */
  readonly noticedAt: number | null
  /** Whether a user credential objected. */
  readonly objected: boolean
}

/**
 * Whether a newer version applies without the consent of the account: only in mode delay, after the notice
 * and the whole delay, without an objection. The rule is that of the adopted version: a developer who
 * could change it with the new one could loosen what protects existing users.
 */
export const isAdoptedByDelay = (
  { adopt }: Scope,
  { noticedAt, objected }: AdoptionNotice,
  now: number,
): boolean =>
  adopt.mode === 'delay' && noticedAt !== null && !objected && now - noticedAt >= adopt.seconds
