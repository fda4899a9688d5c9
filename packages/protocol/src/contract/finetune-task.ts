/** A fine-tuning, as parties agree on it: a small addition to a model's weights (LoRA), learned from texts. */
import {
  areDistinct,
  type Decoder,
  hex,
  integer,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
} from '../jcs/index.ts'
import type { Digest } from '../keyrelease/types.ts'
import { name } from './names.ts'
import { type Descent, descentDecoder, privacyDecoder, trainLimits, type TrainPrivacy } from './learning.ts'

/** Modules of a layer that LoRA goes beside, by the names that GGUF has for their weights. */
export const LORA_TARGETS = [
  'attn_q',
  'attn_k',
  'attn_v',
  'attn_output',
  'ffn_gate',
  'ffn_up',
  'ffn_down',
] as const
export type LoraTarget = (typeof LORA_TARGETS)[number]

/** One adapter of a model, learned from texts of one owner or several: its weights stay as they are. */
export interface FinetuneTask {
  kind: 'finetune'
  /** Name of an input of kind `model`, in GGUF. */
  model: string
  /** Digest of that model's manifest. */
  digest: Digest
  lora: {
    /** 1 to 256. */
    rank: number
    /** What the product of the two matrices is multiplied by, times the rank: in thousandths. */
    alphaMilli: number
    targets: LoraTarget[]
  }
  /** Inputs that are trained on, 1 to 32. Under a guarantee each text is one contributor. */
  texts: string[]
  /** Tokens of a window: what a text is cut into, and what one example is. 8 to 4096. */
  tokens: number
  /** Texts to measure with: those of other inputs, or a part of all, drawn by chance. */
  validation?: { texts: string[] } | { splitNanos: number }
  /** `batch` counts windows. */
  descent: Descent
  /** `maxRowsPerContributor` counts windows. */
  privacy?: TrainPrivacy
  /** Whether receivers of `metrics` get the loss of rows to measure with, before and after. */
  metrics: 'loss'[]
  show: 'steps' | 'loss'
  limits: { memoryBytes: number; seconds: number }
}

const names: Decoder<string[]> = refine(list(name, 1, 32), (value) =>
  areDistinct(value) ? undefined : 'a text is named twice',
)

const validationDecoder: Decoder<NonNullable<FinetuneTask['validation']>> = (value, path) =>
  Object.hasOwn((value ?? {}) as object, 'texts')
    ? object({ texts: names })(value, path)
    : object({ splitNanos: integer(1, 999_999_999) })(value, path)

/** Decodes a {@link FinetuneTask}. @throws `JCS_FIELD` */
export const finetuneDecoder: Decoder<FinetuneTask> = refine(
  members<FinetuneTask>(
    {
      kind: literal('finetune'),
      model: name,
      digest: hex(32),
      lora: object<FinetuneTask['lora']>({
        rank: integer(1, 256),
        alphaMilli: integer(1, 1_000_000),
        targets: list(oneOf(...LORA_TARGETS), 1, LORA_TARGETS.length),
      }),
      texts: names,
      tokens: integer(8, 4096),
      descent: descentDecoder,
      metrics: list(literal('loss'), 0, 1),
      show: oneOf('steps', 'loss'),
      limits: trainLimits,
    },
    { validation: validationDecoder, privacy: privacyDecoder },
  ),
  ({ lora, descent, privacy, validation, metrics, show }) => {
    if (!areDistinct(lora.targets)) return 'a target is named twice'
    if (metrics.length > 0 && validation === undefined) return 'there are no texts to measure with'
    if (descent.stopEarly && validation === undefined) return 'nothing is measured that says when to stop'
    if (privacy === undefined) return undefined
    if (show === 'loss') return 'the loss of a step would tell of texts that are protected'
    const isApart = validation !== undefined && 'texts' in validation
    return !isApart && (descent.stopEarly !== undefined || metrics.length > 0)
      ? 'figures would tell of texts that are protected'
      : undefined
  },
)
