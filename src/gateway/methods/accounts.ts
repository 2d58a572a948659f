import type { RequestMethod } from './method.ts'

/** `eth_accounts` [] → the addresses of the account (05 §4.1). */
export const accounts: RequestMethod = {
  kind: 'request',
  name: 'eth_accounts',
  registration: false,
}
