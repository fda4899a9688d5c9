import { concat, utf8 } from '@sotto/protocol/bytes'
import { columnsOf, encodeFeatures, requireFeatures } from '../data/features.ts'
import type { Part } from '../data/part.ts'
import { readTable, type Table } from '../data/read-table.ts'
import type { Feature, Label, TableSource } from '../data/types.ts'
import { rowUnits } from '../data/units.ts'
import { roomTrainError } from '../errors.ts'
import { classOf, type Task } from '../evaluate/figures.ts'

/** Rows at a time that are made text. */
const PIECE = 4096
/** Digits of probabilities, and of numbers past the label's own. */
const PROBABILITY_DIGITS = 6
const MORE_DIGITS = 2

/**
 * Reads a table that a model shall say something of: it needs no label.
 * @param key column that tells rows apart; none: their numbers do
 * @throws as `readTable`; `ROOM_TRAIN_SETTINGS`
 */
export function readUnlabelled(source: TableSource, features: readonly Feature[], key?: string): Table {
  requireFeatures(features)
  const columns = features.map(({ column }) => column)
  return readTable(source, new Set(key === undefined ? columns : [...columns, key]), false)
}

/** All rows of a table, encoded, with labels of 0 that say nothing. @throws `ROOM_TRAIN_TYPE` */
export function encodeUnlabelled(table: Table, features: readonly Feature[]): Part {
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row)
  return {
    name: table.name,
    rows: table.rows,
    width: requireFeatures(features),
    columns: columnsOf(features),
    values: encodeFeatures(table, features, rows),
    labels: new Float32Array(table.rows),
    units: rowUnits(table.rows),
  }
}

/** What a model says of the rows of a table. */
export interface Predictions {
  readonly task: Task
  readonly label: Label
  readonly table: Table
  /** As the table was read with. */
  readonly key?: string
  /** Of all rows in order. */
  readonly scores: Float32Array
  /** Bytes at most. */
  readonly maxBytes: number
}

/**
 * Predictions as CSV (RFC 4180): the key of each row or its number, from 1 on; the number in the label's own measure, or the
 * class and the probability of each one. What is no number is an empty cell.
 * @throws `ROOM_TRAIN_TOO_LARGE`
 */
export function encodePredictions(of: Predictions): Uint8Array {
  const { label, table, key, maxBytes } = of
  const classes = label.kind === 'category' ? label.values : []
  const head = [key ?? 'row', 'prediction', ...classes.map((value) => `probability of ${value}`)]
  const pieces = [utf8(lineOf(head))]
  let bytes = pieces[0]!.length
  const cells = key === undefined ? undefined : table.columns.get(key)!
  for (let from = 0; from < table.rows; from += PIECE) {
    const count = Math.min(PIECE, table.rows - from)
    const lines = Array.from({ length: count }, (_, at) => {
      const row = from + at
      return lineOf([cells ? (cells.textAt(row) ?? '') : String(row + 1), ...wordsOf(of, row)])
    })
    const piece = utf8(lines.join(''))
    bytes += piece.length
    if (bytes > maxBytes)
      throw roomTrainError('ROOM_TRAIN_TOO_LARGE', 'the predictions are larger than they may be', {
        expected: `at most ${maxBytes} bytes`,
      })
    pieces.push(piece)
  }
  return concat(...pieces)
}

function wordsOf({ task, label, scores, table }: Predictions, row: number): string[] {
  const outputs = scores.length / table.rows
  const own = scores.subarray(row * outputs, (row + 1) * outputs)
  if (label.kind === 'number') {
    const { min, max, decimals } = label
    const value = (((own[0]! + 1) / 2) * (max - min) + min) / 10 ** decimals
    return [fixed(value, decimals + MORE_DIGITS)]
  }
  const probabilities = probabilitiesOf(task, own)
  const place = classOf(task, own)
  return [label.values[place] ?? '', ...probabilities.map((one) => fixed(one, PROBABILITY_DIGITS))]
}

function probabilitiesOf(task: Task, scores: Float32Array): number[] {
  if (task === 'two') {
    const second = 1 / (1 + Math.exp(-scores[0]!))
    return [1 - second, second]
  }
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity)
  const parts = Array.from(scores, (score) => Math.exp(score - most))
  const sum = parts.reduce((a, b) => a + b, 0)
  return parts.map((part) => part / sum)
}

function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : ''
}

function lineOf(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`
}
