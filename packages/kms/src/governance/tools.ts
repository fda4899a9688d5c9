import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import type { LogClient } from '@sotto/serve/log-client'
import type { RequestKem, KmsState } from '../state/index.ts'
import type { StatementKey } from '../statements/index.ts'

/** What carrying out a decision may use. */
export interface ExecutionTools {
  now: UnixSeconds
  statementKey: StatementKey
  suites: readonly RequestKem[]
  /** Whether another root secret could be kept. */
  canRotateRoot: boolean
}

/** What a proposal is judged by. */
export interface JudgeContext {
  state: KmsState
  softwareRoots: readonly string[]
  log: LogClient
  now: UnixSeconds
}
