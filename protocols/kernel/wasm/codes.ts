/** What an operation answers when it gives no handle (protocols/kernel/assembly/codes.ts). */
export const CODES = {
  done: 0,
  malformed: 1,
  pprf: 2,
  cote: 3,
  mu: 4,
  check1: 5,
  check2: 6,
  signature: 7,
  nothing: 8,
  goesOn: 9,
  misuse: 16,
  full: 17,
} as const

/** Numbers of the kinds of slots (protocols/kernel/assembly/slots.ts). */
export const KINDS = {
  sender: 1,
  receiving: 2,
  receiver: 3,
  building: 4,
  bob: 5,
  alice: 6,
  zeta: 7,
  choice: 8,
  'alice-product': 9,
  'bob-product': 10,
  correlation: 11,
  opened: 12,
  nonce: 13,
  key: 14,
  presignature: 15,
  deal: 16,
  share: 17,
} as const
