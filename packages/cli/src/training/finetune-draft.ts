/** What `sotto finetune` asks for, as a draft of a room in which nobody else is. */
export interface FinetuneWish {
  /** Absolute path of the model, in GGUF. */
  model: string
  rank: number | undefined
  targets: readonly string[] | undefined
  tokens: number | undefined
  steps: number | undefined
  learningRate: string | undefined
  /** A guarantee for each text: no text is measured with then, and no loss is shown. */
  privacy: { epsilon: string; delta?: string; contributors: number } | undefined
}

/** The party that has all of it. */
export const OWNER = 'owner'
export const TUNE = 'tune'
export const TEXTS_INPUT = 'texts'
export const MODEL_INPUT = 'base'
export const ADAPTER_OUTPUT = 'adapter'
export const FIGURES_OUTPUT = 'figures'
/** Part of the texts to measure with. */
const MEASURED = 0.1

/** A draft as JSON, which is YAML. */
export function finetuneDraft(wish: FinetuneWish): string {
  const { model, rank, targets, tokens, steps, learningRate, privacy } = wish
  const rules = { receivers: [OWNER] }
  const task = {
    model: MODEL_INPUT,
    path: model,
    ...(rank !== undefined && { rank }),
    ...(targets && { targets }),
    ...(tokens !== undefined && { tokens }),
    ...(steps !== undefined && { steps }),
    ...(learningRate !== undefined && { learning_rate: learningRate }),
    ...(privacy
      ? { privacy: { delta: '1e-5', ...privacy } }
      : { validation: MEASURED, metrics: ['loss'], show: 'loss' }),
  }
  const output = { from: TUNE, receivers: [OWNER] }
  return JSON.stringify({
    title: 'A fine-tuning of my own',
    parties: [OWNER],
    inputs: {
      [TEXTS_INPUT]: { owner: OWNER, kind: 'text', rules },
      [MODEL_INPUT]: { owner: OWNER, kind: 'model', rules },
    },
    transforms: { [TUNE]: { reads: [TEXTS_INPUT, MODEL_INPUT], finetune: task } },
    outputs: {
      [ADAPTER_OUTPUT]: { ...output, max_bytes: '1GiB' },
      ...(!privacy && { [FIGURES_OUTPUT]: { ...output, part: 'metrics', max_bytes: '64KiB' } }),
    },
  })
}
