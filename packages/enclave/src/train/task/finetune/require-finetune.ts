import type { FinetuneTask } from '@sotto/protocol/contract'
import { requireSettings } from '../../settings.ts'
import { settingsOf } from '../settings.ts'

/**
 * Checks a fine-tuning by itself: neither model nor texts are there. What depends on how many numbers branches have, as the
 * bound of exact noise does, is seen when the model is.
 * @throws `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_PRIVACY`
 */
export function requireFinetune(task: FinetuneTask): void {
  requireSettings(settingsOf(task))
}
