import { cliError } from '../errors.ts'

const PATTERN = /^(\d{4}-\d\d-\d\d)[Tt](?!24)\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/

/**
 * Unix seconds of a flag or member that holds a time in RFC 3339, with seconds and a zone.
 * @throws `CLI_USAGE` naming it
 */
export function parseTime(name: string, text: string): number {
  const day = PATTERN.exec(text)?.[1]
  const milliseconds = day === undefined ? Number.NaN : Date.parse(text)
  // The engine takes the 30th of February for the 2nd of March.
  if (Number.isNaN(milliseconds) || new Date(Date.parse(`${day}T00:00Z`)).toISOString().slice(0, 10) !== day)
    throw cliError('CLI_USAGE', `${name} is not a time`, { expected: '2026-11-28T12:00:00Z', found: text })
  return Math.floor(milliseconds / 1000)
}
