export {
  CERTIFICATE_SECONDS,
  createStatementKey,
  type StatementKey,
  type StatementKeyPair,
} from './statement-key.ts'
