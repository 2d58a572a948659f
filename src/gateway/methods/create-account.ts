import type { RequestMethod } from './method.ts'

/** `holdfast_createAccount` [{credential}] → account, key, address and the certificate of the key (05 §4.1). */
export const createAccount: RequestMethod = {
  kind: 'request',
  name: 'holdfast_createAccount',
  registration: true,
}
