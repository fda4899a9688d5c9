export { type CheckedTemplate, checkTemplate } from './check.ts'
export { isRoomSqlErrorCode, roomSqlError, type RoomSqlErrorCode, SQL_RULES, type SqlRule } from './errors.ts'
export { TABLE_FORMATS, type TableFormat } from './messages.ts'
export { type ResultColumn } from './plan.ts'
export { policyOf } from './policy.ts'
export { decodeRows, type SqlResult, type SqlValue } from './result.ts'
export {
  checkTemplates,
  runTemplate,
  type SqlEngine,
  type SqlInput,
  type SqlLimits,
  type SqlRun,
} from './run.ts'
export type { SqlColumn, SqlNoise, SqlPolicy, SqlTable } from './types.ts'
