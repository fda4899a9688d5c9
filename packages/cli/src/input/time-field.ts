import { hasCode } from '@sotto/protocol/errors'
import { type Decoder, jcsError } from '@sotto/protocol/jcs'
import { parseTime } from './parse-time.ts'

/** The year that a time may not be beyond: what is shown of one has four digits. */
const LAST_SECOND = 253_402_300_799

/**
 * Unix seconds of a member of a file that people write: a time with its zone, or a date, UTC. YAML leaves both as text.
 * @param clock when a date without a time is: as it begins or in its last second
 * @param quotes whether an error says what stood there
 */
export function timeField(clock: '00:00:00' | '23:59:59', quotes: boolean): Decoder<number> {
  return (value, path) => {
    const given = typeof value === 'string' ? value : ''
    try {
      const seconds = parseTime(path, /^\d{4}-\d\d-\d\d$/.test(given) ? `${given}T${clock}Z` : given)
      if (seconds > 0 && seconds <= LAST_SECOND) return seconds
    } catch (error) {
      if (!hasCode(error, 'CLI_USAGE')) throw error
    }
    throw jcsError(
      'JCS_FIELD',
      `${path}: expected a date or a time with its zone`,
      '2027-01-31 or 2027-01-31T12:00:00Z',
      ...(quotes ? [/^[\w:.+-]{1,32}$/.test(given) ? given : `a ${typeof value}`] : []),
    )
  }
}
