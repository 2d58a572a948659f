/** Lets the event loop have a turn: what came in meanwhile is looked at before the caller goes on. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
