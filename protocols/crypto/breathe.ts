/**
 * Lets everything else that waits have its turn, between two parts of a long computation. A rejection ends
 * the operation that breathes, and wipes what it had half done.
 */
export type Breathe = () => Promise<void>
