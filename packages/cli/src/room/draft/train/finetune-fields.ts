import { CONTRACT_NAME, type FinetuneTask, LORA_TARGETS, type LoraTarget } from '@sotto/protocol/contract'
import { type Decoder, integer, list, literal, members as object, oneOf, text } from '@sotto/protocol/jcs'
import { GIB, MIB } from '../../../deploy/file/values.ts'
import { bytes, decimal } from '../values.ts'
import { WEIGHTS_FIELDS, weightsOf } from '../weights-fields.ts'
import { DESCENT_FIELDS, descentOf, type DescentMembers } from './descent-fields.ts'
import { privacyField } from './privacy-field.ts'
import type { DraftFinetune, DraftPrivacy } from './types.ts'

const NANOS = 1_000_000_000
const MILLI = 1000
const MAX_TEXTS = 32
const MAX_DAY_SECONDS = 86_400

const DEFAULT_RANK = 8
const DEFAULT_TARGETS: readonly LoraTarget[] = ['attn_q', 'attn_v']
const DEFAULT_TOKENS = 128
/** 0.0002 */
const DEFAULT_RATE_NANOS = 200_000
const DEFAULT_SECONDS = 3600
const DEFAULT_MEMORY = 4 * GIB

interface Given extends DescentMembers {
  model: string
  digest?: string
  path?: string
  rank?: number
  /** In thousandths. */
  alpha?: number
  targets?: LoraTarget[]
  texts?: string[]
  tokens?: number
  validation?: NonNullable<FinetuneTask['validation']>
  privacy?: DraftPrivacy
  metrics?: 'loss'[]
  show?: FinetuneTask['show']
  memory?: number
  seconds?: number
}

const name = text(32, CONTRACT_NAME)
const texts = list(name, 1, MAX_TEXTS)

/** `0.1` of the texts, drawn by chance, or texts of their own. */
const validation: Decoder<NonNullable<FinetuneTask['validation']>> = (value, path) =>
  Array.isArray(value) ? { texts: texts(value, path) } : { splitNanos: decimal(9, 1, NANOS - 1)(value, path) }

const given: Decoder<Given> = object<Given>(
  { model: name },
  {
    ...DESCENT_FIELDS,
    ...WEIGHTS_FIELDS,
    rank: integer(1, 256),
    alpha: decimal(3, 1, 1000 * MILLI),
    targets: list(oneOf(...LORA_TARGETS), 1, LORA_TARGETS.length),
    texts,
    tokens: integer(8, 4096),
    validation,
    privacy: privacyField,
    metrics: list(literal('loss'), 0, 1),
    show: oneOf('steps', 'loss'),
    memory: bytes(MIB, 64 * GIB),
    seconds: integer(1, MAX_DAY_SECONDS),
  },
)

/**
 * `finetune`, with what is not said filled in: a rank of 8 beside queries and values of attention, an alpha of twice the
 * rank, windows of 128 tokens.
 * @throws `JCS_FIELD`
 */
export const finetuneField: Decoder<DraftFinetune> = (value, path) => {
  const found = given(value, path)
  const { digest, path: place, rank = DEFAULT_RANK } = found
  return {
    kind: 'finetune',
    model: found.model,
    digest: weightsOf({ digest, path: place }, path),
    lora: {
      rank,
      alphaMilli: found.alpha ?? 2 * rank * MILLI,
      targets: found.targets ?? [...DEFAULT_TARGETS],
    },
    texts: found.texts,
    tokens: found.tokens ?? DEFAULT_TOKENS,
    ...(found.validation && { validation: found.validation }),
    descent: descentOf({ learning_rate: DEFAULT_RATE_NANOS, ...found }),
    privacy: found.privacy,
    metrics: found.metrics,
    show: found.show ?? 'steps',
    limits: {
      memoryBytes: found.memory ?? DEFAULT_MEMORY,
      seconds: found.seconds ?? DEFAULT_SECONDS,
    },
  }
}
