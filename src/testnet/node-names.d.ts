import 'node:util'

declare module 'node:util' {
  /** Named by the declarations of listr2; it came with a newer Node than the oldest we support. */
  export type InspectColor = string
}
