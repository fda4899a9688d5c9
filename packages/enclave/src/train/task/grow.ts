import type { TrainRecipe, TrainTask } from '@sotto/protocol/contract'
import { columnsOf } from '../data/features.ts'
import { exportForest } from '../export/onnx.ts'
import { boost } from '../gbdt/boost.ts'
import { createShard } from '../gbdt/shard.ts'
import { scoreForest } from '../gbdt/tree.ts'
import type { Chance } from '../random/streams.ts'
import type { Learned, LearnOptions } from './learned.ts'
import type { TrainingRows } from './rows.ts'
import { gbdtSettingsOf } from './settings.ts'
import { targetOf } from './target.ts'

/**
 * Grows trees over rows.
 * @throws `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_EMPTY`, `ROOM_TRAIN_ONE_CLASS`, `ROOM_TRAIN_CANCELLED`
 */
export async function grow(
  { data }: TrainTask,
  recipe: TrainRecipe & { kind: 'gbdt' },
  { parts }: TrainingRows,
  chance: Chance,
  { signal, onProgress }: LearnOptions,
): Promise<Learned> {
  const { task, outputs } = targetOf(data.label)
  const settings = gbdtSettingsOf(recipe)
  const forest = await boost({
    task,
    outputs,
    columns: columnsOf(data.features),
    shards: parts.map(({ part }) => createShard(part, task, outputs)),
    settings,
    ...(signal && { signal }),
    onRound: (done) => onProgress?.({ done, of: settings.trees }),
  })
  return {
    steps: forest.rounds.length,
    reason: 'steps',
    score: (part) => Promise.resolve(scoreForest(forest, part)),
    model: () => exportForest(forest, data.features, chance.stream('try', 0)),
    close: () => Promise.resolve(),
  }
}
