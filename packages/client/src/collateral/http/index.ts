export { ask } from './ask.ts'
export { parseRetryAfter } from './retry-after.ts'
export type { HttpAnswer, HttpOptions, HttpQuestion } from './types.ts'
