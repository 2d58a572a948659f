import type { LeadFailed } from '../../enclave-runtime/host/guest.ts'

/** What the coordinator does after a failed attempt (03 §9.1, 02 §12). */
export type Verdict =
  /** Silence: suspended for a while, and the next attempt goes without. */
  | 'suspend'
  /** Not now: asked again later; nobody's fault. */
  | 'later'
  /** Never, for this request. */
  | 'refused'
  /** The next attempt goes without whom it names. */
  | 'without'
  /** As `without`, and remembered: five an hour and leaders avoid the party. */
  | 'strike'
  /** Someone cheated and nothing shows who: another subset, and the intersection of such subsets. */
  | 'suspect'
  /** The leading guest must not go on for this request. */
  | 'unfit'

export function verdict(fault: LeadFailed['fault']): Verdict {
  switch (fault) {
    case 'timeout':
      return 'suspend'
    case 'not-yet':
    case 'busy':
    case 'overloaded':
      return 'later'
    case 'refused':
      return 'refused'
    case 'malformed':
    case 'commitment':
    case 'proof':
    case 'share':
    case 'equivocation':
      return 'strike'
    case 'binding':
    case 'sum':
    case 'signature':
      return 'suspect'
    case 'own-share':
    case 'kernel':
      return 'unfit'
    case 'unreachable':
    case 'aborted':
    case 'cancelled':
    case 'generation':
    case 'setup-missing':
    case 'corr-unknown':
    case 'presig-unknown':
    case 'banned': // the guest keeps bans; the subset choice reads them
    case 'pprf':
    case 'cote':
    case 'mu':
    case 'check1':
    case 'check2':
      return 'without'
    default:
      return unknown(fault) // another host's word for it
  }
}

const unknown = (_: never): Verdict => 'without'
