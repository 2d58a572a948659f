import { createHash } from 'node:crypto'
import type { Letter } from '../../protocols/simulation/simulate.ts'

/** SHA-256 over everything that was said, in order: one number for a whole conversation. */
export function transcriptDigest(letters: readonly Letter[]): string {
  const hash = createHash('sha256')
  for (const { from, to, round, bytes } of letters)
    hash.update(`${round} ${from} ${to} ${bytes.length}\n`).update(bytes)
  return hash.digest('hex')
}
