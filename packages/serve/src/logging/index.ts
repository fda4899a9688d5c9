export {
  type AllowList,
  createLogger,
  type FieldKind,
  type FieldsOf,
  type Logger,
  type LoggerOptions,
} from './logger.ts'
