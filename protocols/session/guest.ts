import type { PartyIndex } from './faults.ts'

/** A participant as hashes see it: its Shamir point and the 32 bytes of its guest's signing key (02 §1.1). */
export interface Guest {
  readonly index: PartyIndex
  readonly id: Uint8Array
}

/** In party order: ascending by index, as every list of parties is hashed (02 §1.2). */
export const inOrder = (guests: readonly Guest[]): Guest[] =>
  [...guests].sort((a, b) => a.index - b.index)

/** The guest with this index; a party that is not in the list is a defect of the caller. */
export function guestAt(guests: readonly Guest[], index: PartyIndex): Guest {
  const found = guests.find((guest) => guest.index === index)
  if (found === undefined) throw new Error(`bug: party ${index} is no participant`)
  return found
}
