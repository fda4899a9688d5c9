export { declaredLength, limitBytes, readBody } from './body.ts'
export {
  type ConcurrencyLimiter,
  createConcurrencyLimiter,
  createRateLimiter,
  type RateLimiter,
} from './rate.ts'
