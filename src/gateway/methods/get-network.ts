import type { PublicMethod } from './method.ts'

/** `getNetwork` → the manifest with the genesis (05 §4.1). */
export const getNetwork: PublicMethod = {
  kind: 'public',
  name: 'getNetwork',
  answer: (node) => node.manifest(),
}
