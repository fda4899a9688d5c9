import type { TrainTask } from '@sotto/protocol/contract'
import { encodeMetrics, type TrainingMetric } from '@sotto/protocol/training'
import { encodeUnlabelled, encodePredictions, readUnlabelled } from '../export/predictions.ts'
import type { Part } from '../data/part.ts'
import type { TableSource } from '../data/types.ts'
import { joinScored, measure } from '../evaluate/measure.ts'
import { measureNoisily } from '../evaluate/noisy-metrics.ts'
import type { Chance } from '../random/streams.ts'
import type { Learned } from './learned.ts'
import { targetOf } from './target.ts'

/**
 * The document of figures over rows to measure with: exact ones, or with noise where the task pays for it. Without a
 * guarantee of training nothing says how many rows of a contributor count: then it is one.
 * @throws `ROOM_TRAIN_EMPTY`, `ROOM_TRAIN_ONE_CLASS` for exact figures; `ROOM_TRAIN_NOT_FINITE`, `ROOM_TRAIN_SETTINGS`
 */
export async function metricsOf(
  task: TrainTask,
  learned: Learned,
  held: readonly Part[],
  chance: Chance,
): Promise<Uint8Array> {
  const { data, metrics: names, metricsEpsilonMicros: epsilonMicros, privacy } = task
  const scored = []
  for (const part of held)
    scored.push({ scores: await learned.score(part), labels: part.labels, units: part.units })
  const of = { task: targetOf(data.label).task, split: 'validation' } as const
  const metrics: TrainingMetric[] =
    epsilonMicros === undefined
      ? measure(of.task, of.split, names, joinScored(scored))
      : measureNoisily(
          {
            ...of,
            names,
            epsilonMicros,
            maxRowsPerUnit: privacy?.maxRowsPerContributor ?? 1,
            stream: chance.stream('metrics', 0),
          },
          scored,
        )
  return encodeMetrics({ v: 1, steps: learned.steps, metrics })
}

/**
 * What the model says of each row of a table, as CSV.
 * @throws codes of tables; `ROOM_TRAIN_TOO_LARGE`
 */
export async function predictionsOf(
  { data }: TrainTask,
  learned: Learned,
  source: TableSource,
  key: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const table = readUnlabelled(source, data.features, key)
  const scores = await learned.score(encodeUnlabelled(table, data.features))
  const { task } = targetOf(data.label)
  return encodePredictions({ task, label: data.label, table, key, scores, maxBytes })
}
