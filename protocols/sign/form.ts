import type { Random } from '../crypto/random.ts'
import type { AnyHandle, Handle, Kernel } from '../kernel/kernel.ts'
import type { PairSetup } from '../pair-setup/set-up-pair.ts'
import type { PartyIndex } from '../session/faults.ts'
import type { Guest } from '../session/guest.ts'
import type { Form } from '../session/instance.ts'
import type { Party } from '../session/round.ts'
import type { Scratch } from '../session/scratch.ts'
import type { Commit, Name, Open } from './messages.ts'

/** What the steps of one signing run work with. */
export interface SignRun {
  readonly party: Party
  readonly kernel: Kernel
  readonly random: Random
  readonly mine: Guest
  /** In order of their indices. */
  readonly others: readonly Guest[]
  /** Holds every secret of the run. */
  readonly scratch: Scratch<AnyHandle>
  /** My setup with a peer, if it may still be used; throws a `ProtocolError` otherwise. */
  readonly pairWith: (peer: PartyIndex, round: string) => PairSetup
}

/** What every form opens in R2. */
export type Opening = Omit<Open, 'deltaU' | 'deltaV'>

/** A peer's R2. */
export interface Opened {
  readonly opening: Opening
  /** All its scalars, one after the other. */
  readonly scalars: Uint8Array
}

/** What differs between forms (a) and (b), in the order in which `prepare` asks for it. */
export interface FormSteps {
  readonly form: Form
  /** The names of this form's R1 and R2. */
  readonly commitRound: string
  readonly openRound: string
  /** R1: mine to everyone, everyone's to me. */
  commit(mine: Commit): Promise<(guest: Guest) => Name>
  /** R1 has passed, and sid1 follows from it. */
  begin(sid1: Uint8Array): Promise<void>
  /** R2: r_i and sk_i go in. */
  open(
    mine: Pick<Open, 'sid1' | 'blind' | 'R' | 'pk'>,
    nonce: Handle<'nonce'>,
    key: Handle<'key'>,
  ): Promise<(peer: PartyIndex) => Opened>
  /** Checks 5 and 6 of 02 §6.2 on what `open` brought from this peer; its part enters `nonce`. */
  check(peer: PartyIndex, nonce: Handle<'nonce'>): void
}

export function of<T>(map: ReadonlyMap<PartyIndex, T>, party: PartyIndex): T {
  const found = map.get(party)
  if (found === undefined) throw new Error(`bug: nothing for party ${party}`)
  return found
}
