import type { FinetuneTask } from '@sotto/protocol/contract'
import { guaranteeOf } from './guarantee.ts'
import type { TrainContext } from './task.ts'
import type { DraftFinetune } from './types.ts'

/** Windows of a step: each is as long as a text that somebody reads. */
const DEFAULT_BATCH = 8

/** The task of a fine-tuning, its price computed and rounded up. @throws as `refuse` */
export function finetuneTaskOf(draft: DraftFinetune, { reads, models, refuse }: TrainContext): FinetuneTask {
  const { digest, texts, descent, privacy, metrics, ...rest } = draft
  const { model, validation } = draft
  const measured = validation && 'texts' in validation ? validation.texts : []
  const others = new Set([model, ...measured])
  const learned = texts ?? reads.filter((name) => !others.has(name))
  if (learned.length === 0) throw refuse('texts', 'no text is left to train on')
  const isProtected = privacy !== undefined && measured.length === 0
  const task = {
    ...rest,
    digest: typeof digest === 'string' ? digest : models.get(digest.path)!,
    texts: learned,
    metrics: metrics ?? (validation === undefined || isProtected ? [] : ['loss' as const]),
  }
  if (privacy === undefined)
    return { ...task, descent: { ...descent, batch: descent.batch ?? DEFAULT_BATCH } }
  return { ...task, ...guaranteeOf(privacy, { descent, batch: DEFAULT_BATCH, validation, refuse }) }
}
