/** What an example is started with. */
import { parseArgs } from 'node:util'

const MAX_ROWS = 5_000_000

/**
 * `--rows N --seed S --keep`, and text flags of the example's own.
 * @param {{rows: number, minRows: number, more?: Record<string, string>}} defaults `more` by name, with its default
 * @returns {{rows: number, seed: string, keep: boolean} & Record<string, any>}
 */
export function readOptions({ rows, minRows, more = {} }) {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: String(rows) },
      seed: { type: 'string', default: '1' },
      keep: { type: 'boolean', default: false },
      ...Object.fromEntries(
        Object.entries(more).map(([name, value]) => [name, { type: 'string', default: value }]),
      ),
    },
  })
  const wanted = Number(values.rows)
  // With fewer, no group would have the contributors that the contracts ask for.
  if (!Number.isInteger(wanted) || wanted < minRows || wanted > MAX_ROWS)
    throw new Error(`--rows takes a whole number from ${minRows} to ${MAX_ROWS}`)
  return { ...values, rows: wanted }
}
