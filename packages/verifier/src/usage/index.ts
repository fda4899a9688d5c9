export { verifyUsage, type UsageResult } from './verify.ts'
