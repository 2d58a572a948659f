import { EXIT } from './exit-codes.ts'

/** What an operator does about each way in which a guest can end (04 §1). */
export const GUEST_HINTS: Readonly<Record<number, string>> = {
  [EXIT.portViolation]:
    'host and guest do not understand each other: both must be of one installation; if they are, report it',
  [EXIT.sealing]:
    'restore the keys directory and the records of this very node, from one moment; never those of another',
  [EXIT.rollback]:
    'the records are older than what the guest signed: put the newest back; where there are none, "holdfast rejoin" runs it without a vote until a new epoch has it',
  [EXIT.selfTest]: 'this machine computes wrongly or the installation is damaged: install again',
  [EXIT.bundle]:
    'install the version of holdfast that the genesis allows; its measurement is in genesis.cbor',
}
