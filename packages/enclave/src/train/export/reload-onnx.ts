import { Tensor } from 'onnxruntime-node'
import { openSession, type Session } from '../../engines/onnx/index.ts'
import { type Cells, NumberCells, TextCells } from '../data/cells.ts'
import { columnsOf, encodeFeatures, requireFeatures } from '../data/features.ts'
import type { Part } from '../data/part.ts'
import type { Table } from '../data/read-table.ts'
import type { Feature } from '../data/types.ts'
import { rowUnits } from '../data/units.ts'
import { roomTrainError } from '../errors.ts'
import type { Stream } from '../random/streams.ts'
import { SCORES } from './raw-features.ts'

/** Rows that are made up and tried. */
const ROWS = 64
/** Part of the largest score that scores may differ by: the runtime adds in another order in batches of another size. */
const TOLERANCE = 1e-4

/**
 * Loads a model that is to be released, as whoever receives it will, and compares what it says of made-up rows with what the
 * trainer says of them: numbers within their bounds and past them, categories that are listed and others, and none.
 * @param bytes of a model with raw features
 * @param scoresOf scores of rows by the weights in memory
 * @param stream of chance for the rows: they tell nothing of data
 * @throws `ROOM_TRAIN_RELOAD`
 */
export async function requireReload(
  bytes: Uint8Array,
  features: readonly Feature[],
  scoresOf: (part: Part) => Promise<Float32Array>,
  stream: Stream,
): Promise<void> {
  const cells = new Map(features.map((feature) => [feature.column, makeUp(feature, stream)]))
  const expected = await scoresOf(partOf(cells, features))
  const found = await run(bytes, cells, features)
  const most = expected.reduce((size, score) => Math.max(size, Math.abs(score)), 1)
  const isSame = (score: number, at: number): boolean =>
    Object.is(score, found[at]) || Math.abs(score - found[at]!) <= TOLERANCE * most
  if (found.length !== expected.length || !expected.every(isSame))
    throw roomTrainError(
      'ROOM_TRAIN_RELOAD',
      'the model that was written scores otherwise than that in memory',
    )
}

async function run(
  bytes: Uint8Array,
  cells: ReadonlyMap<string, Cells>,
  features: readonly Feature[],
): Promise<Float32Array> {
  let session: Session | undefined
  try {
    session = await openSession(bytes)
    const feeds = features.map(({ column }) => {
      const given = cells.get(column)!
      const rows = Array.from({ length: ROWS }, (_, row) => row)
      const tensor =
        given instanceof NumberCells
          ? new Tensor(
              'float64',
              Float64Array.from(rows, (row) => given.at(row)),
              [ROWS, 1],
            )
          : new Tensor(
              'string',
              rows.map((row) => given.textAt(row) ?? ''),
              [ROWS, 1],
            )
      return [column, tensor] as const
    })
    const { data } = (await session.run(Object.fromEntries(feeds), [SCORES]))[SCORES]!
    if (data instanceof Float32Array) return data
  } catch (cause) {
    throw roomTrainError('ROOM_TRAIN_RELOAD', 'the runtime does not run the model that was written', {
      cause,
    })
  } finally {
    await session?.close()
  }
  throw roomTrainError('ROOM_TRAIN_RELOAD', 'the model that was written has no scores')
}

function makeUp(feature: Feature, stream: Stream): Cells {
  if (feature.kind === 'number') {
    const { min, max, decimals } = feature
    const cells = new NumberCells('number')
    for (let row = 0; row < ROWS; row++) {
      const place = 1.2 * stream.uniform() - 0.1
      cells.push(row % 16 === 15 ? NaN : (min + place * (max - min)) / 10 ** decimals)
    }
    return cells
  }
  const cells = new TextCells('text')
  const { values } = feature
  const unlisted = values.reduce((word, value) => (value.length >= word.length ? `${value}?` : word), '?')
  for (let row = 0; row < ROWS; row++) cells.push(values[stream.below(values.length + 1)] ?? unlisted)
  return cells
}

function partOf(cells: ReadonlyMap<string, Cells>, features: readonly Feature[]): Part {
  const table: Table = { name: 'made up', rows: ROWS, columns: cells, contributor: undefined }
  const rows = Uint32Array.from({ length: ROWS }, (_, row) => row)
  return {
    name: table.name,
    rows: ROWS,
    width: requireFeatures(features),
    columns: columnsOf(features),
    values: encodeFeatures(table, features, rows),
    labels: new Float32Array(ROWS),
    units: rowUnits(ROWS),
  }
}
