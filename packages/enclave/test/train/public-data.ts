import type { Column } from '@sotto/protocol/contract'
import { gunzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { DataSpec, Feature, TableSource } from '../../src/train/index.ts'
import { csv } from './tables.ts'

const DATA = resolve(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'training/data',
)

/** A table and how it is read. */
export interface PublicTable {
  readonly source: TableSource
  readonly spec: DataSpec
}

function linesOf(name: string): string[][] | undefined {
  try {
    const bytes = readFileSync(resolve(DATA, name))
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    return lines.map((line) => line.split(',').map((cell) => cell.trim()))
  } catch {
    process.stderr.write(`skipped: no ${resolve(DATA, name)}; SOTTO_VECTORS names the folder of vectors\n`)
    return undefined
  }
}

const ADULT = [
  ['age', 17, 90],
  'workclass',
  undefined,
  'education',
  ['education_num', 1, 16],
  'marital_status',
  'occupation',
  'relationship',
  'race',
  'sex',
  ['capital_gain', 0, 20_000],
  ['capital_loss', 0, 3000],
  ['hours_per_week', 1, 99],
  'native_country',
] as const

/** Adult (Becker, Kohavi): who earns more than 50 000. Values of categories are read from it, in place of a contract. */
export function adult(): PublicTable | undefined {
  const lines = linesOf('adult.data.gz')
  if (!lines) return undefined
  const features = ADULT.flatMap((column, at): Feature[] => {
    if (column === undefined) return []
    if (typeof column === 'string')
      return [{ column, kind: 'category', values: [...new Set(lines.map((line) => line[at]!))].toSorted() }]
    const [name, min, max] = column
    return [{ column: name, kind: 'number', min, max, decimals: 0 }]
  })
  const kept = ADULT.flatMap((column, at) => (column === undefined ? [] : [at]))
  const columns: Column[] = [
    ...features.map(({ column, kind }): Column => ({
      name: column,
      type: kind === 'number' ? 'integer' : 'text',
    })),
    { name: 'income', type: 'text' },
  ]
  const rows = lines.map((line) => [...kept.map((at) => line[at]!), line[14]!])
  const label: Feature = { column: 'income', kind: 'category', values: ['<=50K', '>50K'] }
  return { source: csv('adult', columns, rows), spec: { features, label, isPrivate: false } }
}

/** A table of numbers with its label last. @param bounds of each column, in hundredths of a thousandth */
function numeric(name: string, lines: string[][], values: readonly string[]): PublicTable {
  const width = lines[0]!.length - 1
  const features = Array.from({ length: width }, (_, at): Feature => {
    const numbers = lines.map((line) => Number(line[at]) * 1e5)
    const min = Math.floor(Math.min(...numbers))
    return {
      column: `c${at}`,
      kind: 'number',
      min,
      max: Math.max(min + 1, Math.ceil(Math.max(...numbers))),
      decimals: 5,
    }
  })
  const columns: Column[] = [
    ...features.map(({ column }): Column => ({ name: column, type: 'number' })),
    { name: 'label', type: 'integer' },
  ]
  const label: Feature = { column: 'label', kind: 'category', values }
  return { source: csv(name, columns, lines), spec: { features, label, isPrivate: false } }
}

/** Wisconsin breast cancer (Wolberg et al.): 30 numbers, 0 for malignant. Its first line is no row. */
export function breastCancer(): PublicTable | undefined {
  const lines = linesOf('breast_cancer.csv')
  return lines && numeric('breast_cancer', lines.slice(1), ['0', '1'])
}

/** Handwritten digits of 8 times 8 points. */
export function digits(): PublicTable | undefined {
  const lines = linesOf('digits.csv.gz')?.map((line) => line.map((cell) => String(Number(cell))))
  return lines && numeric('digits', lines, Array.from('0123456789'))
}
