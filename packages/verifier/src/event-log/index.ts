import { verifierError } from '../errors.ts'
import { isCcel, parseCcel } from './ccel.ts'
import { parseDstackLog } from './dstack.ts'
import type { EventLog } from './types.ts'

export { findForgedEvents, isDigestOfData } from './digests.ts'
export { compareRegisters, replayEventLog } from './replay.ts'
export { DSTACK_RUNTIME_EVENT, EVENT_TYPES, type EventLog, type LogEvent } from './types.ts'

/** Largest log: the area of a CCEL has 64 to 256 kB. */
const MAX_LOG_BYTES = 1_048_576

/**
 * Reads the event log of a TD: the CC event log of its firmware (`/sys/firmware/acpi/tables/data/CCEL`), or
 * the JSON log of dstack. What it says is worth as much as its replay against a quote.
 *
 * @throws `EVIDENCE_MALFORMED`, `JCS_MALFORMED`, `JCS_FIELD`, `BYTES_ENCODING` (fix-input)
 */
export function parseEventLog(bytes: Uint8Array): EventLog {
  if (bytes.length > MAX_LOG_BYTES)
    throw verifierError('EVIDENCE_MALFORMED', 'event log is too long', {
      expected: `at most ${MAX_LOG_BYTES} bytes`,
      found: `${bytes.length}`,
    })
  return isCcel(bytes) ? parseCcel(bytes) : parseDstackLog(bytes)
}
