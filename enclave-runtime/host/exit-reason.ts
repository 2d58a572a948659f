/** What the exit codes of 04 §1 mean to an operator. */
const REASONS: Readonly<Record<number, string>> = {
  0: 'stopped',
  70: 'port violation: the guest refused what the host sent',
  71: 'sealing: the records cannot be opened with these keys; nothing was changed',
  72: 'rollback: the records are older than the guest left them; restore the newest ones',
  73: 'self-test failed: this machine or this Node computes wrongly',
  74: 'bundle not allowed: the network does not list this measurement',
}

/** Codes after which another start would end the same way (04 §1). */
export const FINAL_EXIT_CODES: ReadonlySet<number> = new Set([70, 71, 72, 73, 74])

export function exitReason(code: number | null, signal: string | null): string {
  if (code === null) return `killed by ${signal ?? 'an unknown signal'}`
  return REASONS[code] ?? `crashed with exit code ${code}`
}
