export { type Readiness, withHealth } from './health.ts'
