/** A party's index in the committee: u16, from 1, never reused (01 §2, 03 §1.2). */
export type PartyIndex = number

/** Why a session ended without a result. Each kind has one fixed set of facts. */
export type Fault =
  | { kind: 'timeout'; round: string; missing: readonly PartyIndex[] }
  | { kind: 'cancelled'; round: string }
  | { kind: 'refused'; round: string; from: PartyIndex }
  | { kind: 'malformed'; round: string; from: PartyIndex; reason: string }
  | { kind: 'commitment' | 'proof' | 'share' | 'equivocation'; round: string; from: PartyIndex }
  | { kind: 'binding' | 'generation' | 'setup-missing'; round: string; from: PartyIndex }
  | { kind: 'corr-unknown' | 'presig-unknown' | 'banned'; round: string; from: PartyIndex }
  | { kind: 'pprf'; round: string; from: PartyIndex }
  | { kind: 'cote' | 'mu' | 'check1' | 'check2'; round: string; from: PartyIndex }
  | { kind: 'sum' | 'signature'; round: string }
  | { kind: 'own-share'; reason: string }
  | { kind: 'kernel'; reason: string }

export type FaultKind = Fault['kind']

/** What the node does next, beyond ending the session. */
export type Consequence = 'retry' | 'strike' | 'final' | 'ban' | 'halt'

/** Thrown by every conversation: `fault` is for machines, `message` for people. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly fault: Fault

  constructor(fault: Fault, options?: ErrorOptions) {
    super(describe(fault), options)
    this.fault = fault
  }
}

/**
 * The one place that decides (spec "Faults", 02 §12). Bytes are easily broken or forged, so only a
 * failed check over oblivious-transfer material bans.
 */
export function consequence({ kind }: Fault): Consequence {
  switch (kind) {
    case 'timeout': // silence is not guilt
    case 'cancelled':
    case 'binding': // equivocation or another view: the culprit is open
    case 'generation':
    case 'setup-missing':
    case 'corr-unknown':
    case 'presig-unknown':
    case 'banned':
    case 'pprf': // the third time the pair is suspended for an hour
    case 'sum':
    case 'signature': // someone cheated, and nothing shows who: another subset, fresh material
      return 'retry'
    case 'malformed':
    case 'commitment':
    case 'proof':
    case 'share':
    case 'equivocation':
      return 'strike'
    case 'refused':
      return 'final'
    case 'cote':
    case 'mu':
    case 'check1':
    case 'check2':
      return 'ban' // a second try with the same pair setup would leak more of it
    case 'own-share':
    case 'kernel':
      return 'halt' // our own state contradicts itself: stop, erase nothing
  }
}

/** The party that a fault names, if it names one. */
export const blamed = (fault: Fault): PartyIndex | undefined =>
  'from' in fault ? fault.from : undefined

function describe(fault: Fault): string {
  switch (fault.kind) {
    case 'timeout':
      return `no ${fault.round} from party ${fault.missing.join(', ')}`
    case 'cancelled':
      return `cancelled during ${fault.round}`
    case 'refused':
      return `party ${fault.from} refused ${fault.round}`
    case 'malformed':
      return `party ${fault.from} sent a malformed ${fault.round}: ${fault.reason}`
    case 'equivocation':
      return `party ${fault.from} sent two different ${fault.round}`
    case 'binding':
      return `party ${fault.from} is bound to another session in ${fault.round}`
    case 'generation':
      return `party ${fault.from} uses another pair setup in ${fault.round}`
    case 'setup-missing':
    case 'corr-unknown':
    case 'presig-unknown':
    case 'banned':
      return `party ${fault.from}: ${fault.kind} in ${fault.round}`
    case 'sum':
      return 'the public nonce-key shares do not add up to the key'
    case 'signature':
      return 'the signature does not verify under the key'
    case 'own-share':
    case 'kernel':
      return `${fault.kind}: ${fault.reason}`
    default:
      return `party ${fault.from} failed the ${fault.kind} check of ${fault.round}`
  }
}
