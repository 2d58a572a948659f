/** The body of one HTTP request: a request with the largest parameters and eight proofs (05 §2.1, §3.1). */
export const MAX_BODY_BYTES: number = 600 * 1024
/** Calls of one batch: what a wallet sends at once, no lever for a flood. */
export const MAX_BATCH = 20
/** Answers are at most raw transactions, whose data the parameters bound; a batch has 20 of them. */
export const MAX_ANSWER_BYTES: number = 16 * 1_048_576
