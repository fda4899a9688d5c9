export { declaredLength, limitBytes, readBody } from './body.ts'
export { type BodyPace, pacedBody } from './paced.ts'
export {
  type ConcurrencyLimiter,
  createConcurrencyLimiter,
  createRateLimiter,
  type RateLimiter,
} from './rate.ts'
