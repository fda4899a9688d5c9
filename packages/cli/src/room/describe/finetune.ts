import type { FinetuneTask, Input } from '@sotto/protocol/contract'
import { formatBytes } from '../../terminal/index.ts'
import { count, showDecimal } from './amounts.ts'
import { describeDescent } from './descent.ts'
import { describeGuarantee } from './guarantee.ts'

const MILLI = 3
const NANOS = 9

/** A fine-tuning in words: which model gets which addition, from which texts, and what it may tell of them. */
export function describeFinetuning(
  task: FinetuneTask,
  inputs: readonly Pick<Input, 'name' | 'rules'>[],
): string[] {
  const { model, digest, lora, texts, tokens, validation, descent, metrics, show, limits } = task
  const measured =
    validation === undefined
      ? undefined
      : 'texts' in validation
        ? `texts of ${validation.texts.join(', ')}`
        : `${showDecimal(validation.splitNanos, NANOS)} of all texts, drawn by chance and not trained on`
  return [
    `trains an adapter of ${model}, whose weights stay as they are`,
    `model manifest ${digest}`,
    `rank ${lora.rank}, alpha ${showDecimal(lora.alphaMilli, MILLI)}, beside ${lora.targets.join(', ')}`,
    `on texts of ${texts.join(', ')}, in windows of ${count(tokens, 'token')}`,
    ...describeDescent(descent, 'window'),
    ...(measured === undefined
      ? []
      : [
          metrics.length === 0
            ? `leaves out ${measured}`
            : `measures ${metrics.join(', ')} with ${measured}, exactly`,
        ]),
    ...describeGuarantee(task, { learned: texts, inputs, isJoined: false, unit: 'text' }),
    show === 'steps'
      ? 'while it runs, parties see how many steps are done'
      : `while it runs, every party sees steps and their ${show}`,
    `at most ${formatBytes(limits.memoryBytes)}, ${count(limits.seconds, 'second')}`,
  ]
}
