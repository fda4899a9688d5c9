export { createUsageLedger, type UsageLedger } from './ledger.ts'
export { meterModel } from './metered-model.ts'
export {
  createUsagePublisher,
  INTERVAL_SECONDS,
  MIN_ANSWERS,
  type UsagePublisher,
  type UsagePublisherOptions,
} from './publish.ts'
