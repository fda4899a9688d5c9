export { declaredLength, limitBytes, readBody } from './body.ts'
export { MAX_TIMER_MS, type Pace, type PaceLimits, PART_PACE, startPace } from './pace.ts'
export { pacedBody, readPaced } from './paced.ts'
export {
  type ConcurrencyLimiter,
  createConcurrencyLimiter,
  createRateLimiter,
  type RateLimiter,
} from './rate.ts'
