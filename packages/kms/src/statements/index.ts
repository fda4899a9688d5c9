export { CERTIFICATE_SECONDS, createStatementKey, type StatementKey } from './statement-key.ts'
