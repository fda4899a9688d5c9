import type { Name, TrainTask } from '@sotto/protocol/contract'
import { readJoined } from '../data/join.ts'
import { encodePart, type Part, readFor, requireLearnable } from '../data/part.ts'
import type { Table } from '../data/read-table.ts'
import { splitTable } from '../data/split.ts'
import type { DataSpec, TableSource } from '../data/types.ts'
import { roomTrainError } from '../errors.ts'
import type { Chance } from '../random/streams.ts'
import type { PlacedPart } from '../trainer.ts'

/** Tables by their names in the contract. */
export type Tables = ReadonlyMap<Name, TableSource>

/** Rows of a training. */
export interface TrainingRows {
  /** To learn from. */
  readonly parts: readonly PlacedPart[]
  /** To measure with. */
  readonly held: readonly Part[]
}

/**
 * Reads the rows of a task: of all tables, or of what they are joined to. Rows to measure with are those of other tables, or
 * drawn by chance from each of these.
 * @param isMeasured whether anybody measures: rows that nobody looks at are not read
 * @throws codes of tables; without a guarantee `ROOM_TRAIN_EMPTY`, `ROOM_TRAIN_ONE_CLASS`
 */
export function readRows(task: TrainTask, tables: Tables, chance: Chance, isMeasured: boolean): TrainingRows {
  const { data, validation, privacy, metricsEpsilonMicros } = task
  const nanos = validation && 'splitNanos' in validation ? validation.splitNanos : 0
  const columns = { features: data.features, label: data.label }
  // What is refused of rows that are measured with noise would tell of them.
  const isHeldPrivate = metricsEpsilonMicros !== undefined
  const spec: DataSpec = { ...columns, isPrivate: privacy !== undefined || (nanos > 0 && isHeldPrivate) }
  const parts: PlacedPart[] = []
  const held: Part[] = []
  for (const [place, table] of readTables(task, tables, spec, chance).entries()) {
    const split = nanos > 0 ? splitTable(table, nanos, chance, place) : undefined
    parts.push({ place, part: encodePart(table, spec, split?.train) })
    if (split && isMeasured) held.push(encodePart(table, spec, split.validation))
  }
  if (validation && 'tables' in validation && isMeasured) {
    const heldSpec: DataSpec = { ...columns, isPrivate: isHeldPrivate }
    for (const name of validation.tables)
      held.push(encodePart(readFor(sourceOf(tables, name), heldSpec), heldSpec))
  }
  requireLearnable(
    parts.map(({ part }) => part),
    spec,
  )
  return { parts, held }
}

function readTables({ data }: TrainTask, tables: Tables, spec: DataSpec, chance: Chance): Table[] {
  const sources = data.tables.map((name) => sourceOf(tables, name))
  const { joinOn } = data
  return joinOn
    ? [
        readJoined(
          sources.map((source) => ({ source, keys: joinOn })),
          spec,
          chance,
        ),
      ]
    : sources.map((source) => readFor(source, spec))
}

function sourceOf(tables: Tables, name: Name): TableSource {
  const source = tables.get(name)
  if (source) return source
  throw roomTrainError('ROOM_TRAIN_SETTINGS', `table ${name} is not there`)
}
