export { notReady, type Readiness, READINESS_PATH, withHealth } from './health.ts'
