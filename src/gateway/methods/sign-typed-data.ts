import type { RequestMethod } from './method.ts'

/** `eth_signTypedData_v4` [address, json] → 65-byte signature (05 §4.1). */
export const signTypedData: RequestMethod = {
  kind: 'request',
  name: 'eth_signTypedData_v4',
  registration: false,
}
