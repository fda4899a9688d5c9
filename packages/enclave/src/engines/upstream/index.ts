export type { UpstreamConfig } from './types.ts'
export { createAnswerBudget } from './answer-budget.ts'
export { Upstream } from './upstream.ts'
