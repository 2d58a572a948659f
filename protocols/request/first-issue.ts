import type { z } from 'zod'

/** A caller's own text may be in it, so it is cut. */
const MAX_CHARS = 160

/** The first thing that a schema found wrong, and where, in one short line. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue === undefined) return 'another form'
  const path = issue.path.map(String).join('.')
  return (path === '' ? issue.message : `${path}: ${issue.message}`).slice(0, MAX_CHARS)
}
