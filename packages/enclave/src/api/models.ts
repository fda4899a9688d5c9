import type {
  EmbedRequest,
  EmbedResult,
  GenerateRequest,
  InferRequest,
  ModelTask,
  SummarizeRequest,
  Tensor,
  TensorInfo,
  TextEvent,
  TranscribeParams,
  TranscriptEvent,
} from '../engines/types.ts'

/** One loaded model as the API sees it: whatever process runs it. Operations it lacks are absent. */
export interface ServedModel {
  /** What clients put in `model`. */
  readonly id: string
  readonly task: ModelTask
  /** Manifest digest, for receipts. */
  readonly digest: string
  /** When it was loaded, Unix seconds. */
  readonly loadedAt: number
  /** Tokens of question and answer together, for a model that generates; absent where nobody says. */
  readonly contextTokens?: number
  /** In a process of this enclave, or in a model server beside it. */
  readonly runsIn?: 'enclave' | 'server'
  /** Length of its vectors, for a model that embeds. */
  readonly dimensions?: number
  /** What it takes and gives, for a model that is addressed by tensor; `-1` is a free dimension. */
  readonly tensors?: { readonly inputs: readonly TensorInfo[]; readonly outputs: readonly TensorInfo[] }
  /** Looked at whenever somebody asks; copies of this model share it. Absent: it is always there. */
  readonly health?: { readonly isReady: boolean }
  /** `file` is the encoded audio as the client sent it; the engine process decodes it. */
  transcribe?(
    file: AsyncIterable<Uint8Array>,
    params: TranscribeParams,
    signal: AbortSignal,
  ): AsyncIterable<TranscriptEvent>
  generate?(request: GenerateRequest, signal: AbortSignal): AsyncIterable<TextEvent>
  summarize?(request: SummarizeRequest, signal: AbortSignal): AsyncIterable<TextEvent>
  embed?(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult>
  /** The outputs asked for, in that order. */
  infer?(request: InferRequest, signal: AbortSignal): Promise<Tensor[]>
}

/** The models this enclave serves now. Order is the order of `/v1/models`; the first of a task is its default. */
export interface ModelDirectory {
  list(): readonly ServedModel[]
  /** Other names of some of them, with the id each stands for. Answers and receipts name the model itself. */
  readonly aliases?: Readonly<Record<string, string>>
  /** Models that are in no list, and loaded when somebody names one: those of owners. */
  readonly onDemand?: {
    /** Undefined for a name that is none of theirs. @throws why it cannot be had */
    find(name: string): Promise<ServedModel | undefined>
    /** The same without loading it. */
    describe(name: string): Promise<DescribedModel | undefined>
  }
}

/** What is known about a model that is not loaded. */
export interface DescribedModel extends Pick<ServedModel, 'id' | 'task' | 'digest'> {
  /** Unix seconds. */
  createdAt: number
  /** Public tag of whoever it belongs to. */
  owner: string
  /** The configuration keeps it loaded. Whether another one is loaded now would tell who uses what. */
  pinned?: boolean
}

/** The id that a name stands for: the one place where aliases are resolved. */
export function aliasTarget({ aliases = {} }: Pick<ModelDirectory, 'aliases'>, name: string): string {
  return Object.hasOwn(aliases, name) ? aliases[name]! : name
}

/** The model of this id or alias. @throws why one on demand cannot be had */
export async function findModel(models: ModelDirectory, name: string): Promise<ServedModel | undefined> {
  const id = aliasTarget(models, name)
  return models.list().find((model) => model.id === id) ?? models.onDemand?.find(id)
}

/** The model that answers when a request of this task names none. */
export function defaultModel(models: ModelDirectory, task: ModelTask): ServedModel | undefined {
  return models.list().find((model) => model.task === task)
}

const answeredBy = new WeakMap<Response, string>()

/**
 * Notes inside the process, never in a header, which model answered, or which app: the gateway puts it in the receipt (T16).
 */
export function announceModel(response: Response, model: Pick<ServedModel, 'digest'>): Response {
  answeredBy.set(response, model.digest)
  return response
}

/** Digest of the model that answered, if one did. */
export function modelDigestOf(response: Response): string | undefined {
  return answeredBy.get(response)
}
