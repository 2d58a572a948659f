import type { Node } from './node.ts'

/** Logs of this world are empty: CLOSE of every member says that nothing is open (03 §9.3). Entries come with the room of logs. */
export const closeEmptyLog = (node: Node, e: number): void =>
  node.giveAfter(0, { type: 'log-closed', e, open: [] })
