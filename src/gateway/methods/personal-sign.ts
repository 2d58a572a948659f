import type { RequestMethod } from './method.ts'

/** `personal_sign` [data, address] → 65-byte signature (05 §4.1). */
export const personalSign: RequestMethod = {
  kind: 'request',
  name: 'personal_sign',
  registration: false,
}
