/**
 * Writes the tables of fields in docs/api.md from the schemas that read them, or checks that they say the same.
 * Without arguments it checks; with `--write` it writes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { FORM_FIELDS } from '../packages/enclave/src/api/audio/fields.ts'
import { type FieldNote, fieldNotes } from '../packages/enclave/src/api/openai/fields.ts'
import { ROUTE_FIELDS } from '../packages/enclave/src/api/text/routes.ts'

const FIELDS = { ...ROUTE_FIELDS, ...FORM_FIELDS }

/** The table of one route stands between a line that names it and the next line that ends it. */
const TABLE = /(<!-- fields of (\S+) -->\n)[^]*?(<!-- end of fields -->)/g

/** Fields that are one, to read: refused and ineffective ones with the same note share a line. */
export function fieldTable(notes: ReadonlyMap<string, FieldNote>): string {
  const rows = new Map<string, { names: string[]; note: FieldNote }>()
  for (const [name, note] of notes) {
    const key = note.state === 'works' ? name : `${note.state}\n${note.note}\n${shown(note.allowed)}`
    const row = rows.get(key) ?? { names: [], note }
    rows.set(key, { ...row, names: [...row.names, `\`${name}\``] })
  }
  const lines = [...rows.values()].map(({ names, note }) => {
    const allowed = shown(note.allowed)
    const pass = note.allowed?.length === 1 ? 'passes' : 'pass'
    const text = allowed === '' ? note.note : `${note.note} (${allowed} ${pass})`
    return `| ${[names.join(', '), note.state, text.replaceAll('|', '\\|')].join(' | ')} |`.replace(
      '|  |',
      '| |',
    )
  })
  return `\n| field | | |\n|---|---|---|\n${lines.join('\n')}\n\n`
}

/** The page with its tables as the schemas have them. @throws Error for a route without a table, or without a schema */
export function fieldsPage(page: string): string {
  const seen = new Set<string>()
  const written = page.replaceAll(TABLE, (_, start: string, route: string, end: string) => {
    if (!Object.hasOwn(FIELDS, route)) throw new Error(`no schema for the table of ${route}`)
    seen.add(route)
    return start + fieldTable(fieldNotes(FIELDS[route as keyof typeof FIELDS])) + end
  })
  const missing = Object.keys(FIELDS).find((route) => !seen.has(route))
  if (missing !== undefined) throw new Error(`the page has no table of ${missing}`)
  return written
}

function shown(allowed: readonly unknown[] = []): string {
  return allowed.map((value) => `\`${JSON.stringify(value)}\``).join(', ')
}

if (import.meta.main) {
  const file = join(resolve(import.meta.dirname, '..'), 'docs', 'api.md')
  const page = readFileSync(file, 'utf8')
  const written = fieldsPage(page)
  if (process.argv.includes('--write')) writeFileSync(file, written)
  else if (page !== written) {
    process.stderr.write(
      'error: the tables of docs/api.md differ from the schemas\nhint: node scripts/api-fields.ts --write\n',
    )
    process.exitCode = 1
  }
}
