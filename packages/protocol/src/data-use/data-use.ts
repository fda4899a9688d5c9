import {
  boolean,
  integer,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
  type Decoder,
} from '../jcs/index.ts'

/** What a workload may do with what people send. */
export const DATA_TASKS = [
  'transcription',
  'translation',
  'text-generation',
  'summarization',
  'embedding',
  'tensors',
] as const

/** One purpose of a request. */
export type DataTask = (typeof DATA_TASKS)[number]

/** Longest retention anybody can declare: ten years. */
const MAX_RETENTION_SECONDS = 315_360_000

/**
 * What a measured program does with the content of requests and answers, declared by whoever releases it (T20):
 * a member of the release statement, so it is signed, logged and bound to image and configuration. Counts of usage
 * without content are not part of it.
 */
export interface DataUse {
  /** Everything that content is used for; nothing for a role that gets none, or by contract only. */
  tasks: DataTask[]
  /** How long content is kept once its answer is complete; 0: not at all. */
  retentionSeconds: number
  /** Whether content trains or tunes a model. */
  training: boolean
  /**
   * Salted digests of all receipts are logged, in batches this far apart (`receipt-log/`): 10 to 86400. No content, and
   * nothing that anybody but the holder of a receipt recognises. Absent: none are logged.
   */
  receiptLogSeconds?: number
  /**
   * What else is done with content stands in contracts that its owners sign, and is not the operator's to declare: a clean
   * room says so, and nobody else. Absent: nothing else is.
   */
  byContract?: true
}

/** The declaration of a KMS: it gets no content. */
export const NO_CONTENT: Readonly<DataUse> = { tasks: [], retentionSeconds: 0, training: false }

/** The declaration of a clean room: what contracts say, and nothing besides. */
export const BY_CONTRACT: Readonly<DataUse> = { ...NO_CONTENT, byContract: true }

/** What a client accepts: only these tasks, no longer retention, training only if it says so. */
export interface AcceptedDataUse {
  tasks: DataTask[]
  maxRetentionSeconds: number
  training: boolean
}

const tasks = refine(list(oneOf(...DATA_TASKS), 0, DATA_TASKS.length), (found) =>
  new Set(found).size === found.length ? undefined : 'a task stands twice',
)

export const dataUseDecoder: Decoder<DataUse> = members<DataUse>(
  { tasks, retentionSeconds: integer(0, MAX_RETENTION_SECONDS), training: boolean() },
  { receiptLogSeconds: integer(10, 86_400), byContract: literal(true) },
)

export const acceptedDataUseDecoder: Decoder<AcceptedDataUse> = object({
  tasks,
  maxRetentionSeconds: integer(0, MAX_RETENTION_SECONDS),
  training: boolean(),
})

/** What a declared use does that a client does not accept, or nothing. */
export function findDataUseExcess(declared: DataUse, accepted: AcceptedDataUse): string | undefined {
  const task = declared.tasks.find((name) => !accepted.tasks.includes(name))
  if (task !== undefined) return `uses content for ${task}`
  if (declared.retentionSeconds > accepted.maxRetentionSeconds)
    return `keeps content for ${declared.retentionSeconds} s`
  return declared.training && !accepted.training ? 'trains on content' : undefined
}

/** A declared or accepted use in words. */
export function describeDataUse(use: DataUse | AcceptedDataUse): string {
  const kept = 'retentionSeconds' in use ? use.retentionSeconds : use.maxRetentionSeconds
  const isByContract = 'byContract' in use && use.byContract === true
  return [
    ...(isByContract ? ['what contracts of its owners say'] : []),
    use.tasks.length > 0 ? use.tasks.join(', ') : isByContract ? 'nothing else' : 'no content',
    kept === 0 ? 'nothing kept' : `kept ${kept} s`,
    use.training ? 'training' : 'no training',
    ...('receiptLogSeconds' in use && use.receiptLogSeconds !== undefined
      ? [`receipt digests logged every ${use.receiptLogSeconds} s`]
      : []),
  ].join('; ')
}

/** Whether two declarations mean the same. */
export function isSameDataUse(a: DataUse, b: DataUse): boolean {
  return (
    a.retentionSeconds === b.retentionSeconds &&
    a.training === b.training &&
    a.receiptLogSeconds === b.receiptLogSeconds &&
    a.byContract === b.byContract &&
    a.tasks.length === b.tasks.length &&
    a.tasks.every((task) => b.tasks.includes(task))
  )
}
