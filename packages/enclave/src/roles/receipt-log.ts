import type { DataUse } from '@sotto/protocol/data-use'
import { serveError } from '@sotto/serve/errors'
import { pause } from '../pause/index.ts'
import { createReceiptLog, type ReceiptLog, type ReceiptLogOptions } from '../receipt-log/index.ts'

/** Time for the last batch when the role ends. */
const LAST_BATCH_MS = 5000

/** A {@link ReceiptLog} and what keeps it going. */
export interface OpenedReceiptLog {
  log: ReceiptLog
  /** Logs what waits in steps of the declared interval, by the monotonic clock, until `isEnding`. */
  run(isEnding: () => boolean): Promise<void>
  /** Logs what waits once more, within 5 seconds. */
  end(): Promise<void>
}

/**
 * The receipt log that the data use declares; undefined where it declares none. It is no setting of its own: what people
 * are told is what is done (T20).
 * @param appendToken of the log, from the environment: no secret of this enclave, for the log is the operator's
 * @throws `CONFIG_INVALID` where the log would not take anything
 */
export function openReceiptLog(
  dataUse: DataUse | undefined,
  appendToken: string | undefined,
  parts: ReceiptLogOptions,
): OpenedReceiptLog | undefined {
  const { receiptLogSeconds } = dataUse ?? {}
  if (receiptLogSeconds === undefined) return undefined
  if (appendToken === undefined)
    throw serveError('CONFIG_INVALID', 'the data use declares a receipt log, and there is no append token', {
      hint: 'Set SOTTO_LOG_APPEND_TOKEN to the append token of the log.',
    })
  const log = createReceiptLog(parts)
  return {
    log,
    run: (isEnding) => runByTheClock(log, receiptLogSeconds * 1000, isEnding),
    end: () => Promise.race([log.tick(), pause(LAST_BATCH_MS)]),
  }
}

/** At whole multiples of the interval, whatever was answered and however long the log took. */
async function runByTheClock(log: ReceiptLog, intervalMs: number, isEnding: () => boolean): Promise<void> {
  const start = performance.now()
  while (!isEnding()) {
    const elapsed = performance.now() - start
    await pause((Math.floor(elapsed / intervalMs) + 1) * intervalMs - elapsed)
    if (!isEnding()) await log.tick()
  }
}
