/** What an operation answers when it gives no handle; every handle is above them. */
export const DONE: u32 = 0
export const MALFORMED: u32 = 1
export const PPRF: u32 = 2
export const COTE: u32 = 3
export const MU: u32 = 4
export const CHECK1: u32 = 5
export const CHECK2: u32 = 6
export const SIGNATURE: u32 = 7
/** There is no such point or signature: the answer is `undefined`. */
export const NOTHING: u32 = 8
/** There is another step. */
export const GOES_ON: u32 = 9
/** A handle of the wrong kind or stale, or bytes that no caller of ours may pass. */
export const MISUSE: u32 = 16
/** No slot of that size is free. */
export const FULL: u32 = 17
