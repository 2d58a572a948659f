import type { LeadPlan } from '../../port/messages.ts'
import { type Manner, nameOf } from './manner.ts'

/** 02 §11, from the opening on. */
const SIGN_MS = 10_000
/** Less than that leaves no time for any attempt. */
const MIN_BUDGET_MS = 100

export const boundedMs = (ms: number): number => Math.max(MIN_BUDGET_MS, Math.min(ms, SIGN_MS))

/** How long an attempt of this form may take: a presignature is not waited for as long as a full signature. */
export const attemptMs = (
  { budgetMs, budgets }: Pick<LeadPlan, 'budgetMs' | 'budgets'>,
  manner: Manner,
): number => {
  const form = nameOf(manner)
  return boundedMs(form === 'full' ? budgetMs : (budgets?.[form] ?? budgetMs))
}
