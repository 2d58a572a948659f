import type { PublicMethod } from './method.ts'

/** `getStatus` → guest, pair setups and links of this node (05 §4.1). */
export const getStatus: PublicMethod = {
  kind: 'public',
  name: 'getStatus',
  answer: (node, signal) => node.status(signal),
}
