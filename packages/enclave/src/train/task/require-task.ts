import type { TrainTask } from '@sotto/protocol/contract'
import { requireFeatures } from '../data/features.ts'
import { requireGbdtSettings } from '../gbdt/settings.ts'
import { requireSettings } from '../settings.ts'
import { gbdtSettingsOf, settingsOf } from './settings.ts'
import { targetOf } from './target.ts'
import { clipOf, layersOf, parametersOf } from './weights.ts'

/**
 * Checks a task by itself: no data are there, no graph is built, and nothing is run.
 * @throws `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_PRIVACY`, `ROOM_TRAIN_TOO_LARGE`
 */
export function requireTask(task: TrainTask): void {
  const { data, recipe } = task
  requireFeatures([data.label])
  const width = requireFeatures(data.features)
  if (recipe.kind === 'gbdt') return requireGbdtSettings(gbdtSettingsOf(recipe))
  const settings = settingsOf(task)
  requireSettings(settings)
  // What a party's graph has is seen when it is there.
  if (recipe.kind === 'graph') return
  const layers = layersOf(recipe, width, targetOf(data.label).outputs)
  if (settings.privacy) clipOf(settings.privacy, parametersOf(layers))
}
