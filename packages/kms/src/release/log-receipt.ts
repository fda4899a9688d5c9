import { utf8 } from '@sotto/protocol/bytes'
import type { LoggedStatement, UnixSeconds } from '@sotto/protocol/keyrelease'
import type { LogClient } from '@sotto/serve/log-client'
import { kmsError } from '../errors.ts'
import type { StatementKey } from '../statements/index.ts'

/** The log's answer to our own receipt must be at most this old by its witnesses (T6, T13). */
const MAX_CHECKPOINT_AGE_SECONDS = 3600

/** What logging a receipt takes. */
export interface ReceiptContext {
  log: LogClient
  now: UnixSeconds
  statementKey: StatementKey
  /** Told the witness time of the checkpoint that holds the receipt. */
  observe(witnessTime: UnixSeconds): void
  /** Called before a receipt is logged; throws when there were too many. */
  beforeReceipt(): void
}

/**
 * Logs the receipt of whatever leaves with a secret in it: the answer leaves only when the receipt is provably in the
 * log (T4, T16).
 * @throws `KMS_STALE`, and those of `beforeReceipt` and the log client
 */
export async function logReceipt(
  payloadType: string,
  receipt: object,
  { log, now, statementKey, observe, beforeReceipt }: ReceiptContext,
): Promise<LoggedStatement> {
  beforeReceipt()
  const envelope = statementKey.sign(payloadType, receipt)
  const { index, checkpoint } = await log.append(utf8(envelope))
  if (now - checkpoint.time > MAX_CHECKPOINT_AGE_SECONDS) {
    throw kmsError('KMS_STALE', 'the log answers with old checkpoints', {
      found: `${now - checkpoint.time} s`,
    })
  }
  observe(checkpoint.time)
  return { envelope, index }
}
