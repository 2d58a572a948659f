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

/** Bytewise order of two ids: lo of a pair is the smaller (02 §1.1). */
export function isLess(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((byte, index) => byte !== b[index])
  if (at < 0) throw new Error('bug: both guests of the pair have the same id')
  return (a[at] ?? 0) < (b[at] ?? 0)
}
