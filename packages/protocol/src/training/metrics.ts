import {
  canonicalJson,
  type Decoder,
  integer,
  list,
  literal,
  members,
  object,
  oneOf,
  parseCanonicalJson,
} from '../jcs/index.ts'

/**
 * Figures of a model. `loss`: mean log loss in nats, or mean squared error of scaled labels; `accuracy`: part of rows that
 * are told right; `auc`: area under the curve of true over false positives.
 */
export const METRIC_NAMES = ['loss', 'accuracy', 'auc'] as const
export type MetricName = (typeof METRIC_NAMES)[number]

/** One figure, over one table. */
export interface TrainingMetric {
  metric: MetricName
  split: 'train' | 'validation'
  /** The figure in millionths, rounded. */
  valueMicros: number
  /** The same figure of the model that was given, before the first step: of fine-tuning. */
  baseMicros?: number
  /** What it cost, where it was made with noise. */
  epsilonMicros?: number
}

/** The document that receivers of metrics get. */
export interface TrainingMetrics {
  v: 1
  /** Steps (or trees) after which they were taken. */
  steps: number
  metrics: TrainingMetric[]
}

const MAX_METRICS = 64
const MAX_STEPS = 10_000_000
const MAX_BYTES = 16_384

const metricDecoder: Decoder<TrainingMetric> = members(
  {
    metric: oneOf(...METRIC_NAMES),
    split: oneOf('train', 'validation'),
    valueMicros: integer(),
  },
  { baseMicros: integer(), epsilonMicros: integer(1) },
)

const metricsDecoder: Decoder<TrainingMetrics> = object({
  v: literal(1),
  steps: integer(0, MAX_STEPS),
  metrics: list(metricDecoder, 0, MAX_METRICS),
})

/** Canonical bytes of the document. */
export function encodeMetrics(metrics: TrainingMetrics): Uint8Array {
  return canonicalJson(metrics)
}

/** Reads a document that anybody may have written. @throws `JCS_MALFORMED`, `JCS_FIELD` */
export function parseMetrics(bytes: Uint8Array): TrainingMetrics {
  return metricsDecoder(parseCanonicalJson(bytes, { maxBytes: MAX_BYTES }), 'metrics')
}
