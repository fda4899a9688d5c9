export {
  encodeSavedUsage,
  parseSavedUsage,
  USAGE_PAYLOAD_TYPE,
  usageStatementDecoder,
  type ModelUsage,
  type SavedUsage,
  type UsageStatement,
} from './usage.ts'
