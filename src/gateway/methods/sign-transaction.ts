import type { RequestMethod } from './method.ts'

/** `eth_signTransaction` [transaction] → raw transaction (05 §4.1). */
export const signTransaction: RequestMethod = {
  kind: 'request',
  name: 'eth_signTransaction',
  registration: false,
}
