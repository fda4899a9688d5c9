import type { FinetuneTask, Input } from '@sotto/protocol/contract'
import { words } from '../../words/index.ts'
import { descentTerm, guaranteeTerm, runningTerms, type TaskTerm } from './learning-terms.ts'

/** Which model gets which addition, from which texts, and what it may tell of them. */
export function finetuningTerms(
  task: FinetuneTask,
  inputs: readonly Pick<Input, 'name' | 'rules'>[],
): TaskTerm[] {
  const say = words.rooms.contracts.training
  const { model, digest, lora, texts, tokens, descent } = task
  return [
    {
      title: say.titles.model,
      lines: [
        say.recipes.adapter(model),
        say.recipes.lora(lora.rank, lora.alphaMilli, lora.targets.join(', ')),
        say.recipes.manifest,
      ],
      digest,
    },
    { title: say.titles.rows, lines: [say.windows(texts.join(', '), tokens)] },
    descentTerm(descent, 'window', task.privacy),
    ...figuresTerms(task),
    guaranteeTerm(task, { learned: texts, inputs, isJoined: false, unit: 'text' }),
    ...runningTerms(task),
  ]
}

function figuresTerms({ validation, metrics }: FinetuneTask): TaskTerm[] {
  if (validation === undefined) return []
  const say = words.rooms.contracts.training
  const texts =
    'texts' in validation
      ? say.rowsOf('text', validation.texts.join(', '))
      : say.split(validation.splitNanos, 'text')
  const lines =
    metrics.length === 0 ? [say.leftOut(texts)] : [say.figures(metrics.join(', '), texts), say.exact]
  return [{ title: say.titles.figures, lines }]
}
