import type {
  EmbedRequest,
  EmbedResult,
  GenerateRequest,
  ModelTask,
  SummarizeRequest,
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
  /** Length of its vectors, for a model that embeds. */
  readonly dimensions?: number
  /** `file` is the encoded audio as the client sent it; the engine process decodes it. */
  transcribe?(
    file: AsyncIterable<Uint8Array>,
    params: TranscribeParams,
    signal: AbortSignal,
  ): AsyncIterable<TranscriptEvent>
  generate?(request: GenerateRequest, signal: AbortSignal): AsyncIterable<TextEvent>
  summarize?(request: SummarizeRequest, signal: AbortSignal): AsyncIterable<TextEvent>
  embed?(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult>
}

/** The models this enclave serves now. Order is the order of `/v1/models`; the first of a task is its default. */
export interface ModelDirectory {
  list(): readonly ServedModel[]
  /** Other names of some of them, with the id each stands for. Answers and receipts name the model itself. */
  readonly aliases?: Readonly<Record<string, string>>
}

/** The model of this id or alias: the one place where aliases are resolved. */
export function findModel({ list, aliases = {} }: ModelDirectory, name: string): ServedModel | undefined {
  const id = Object.hasOwn(aliases, name) ? aliases[name] : name
  return list().find((model) => model.id === id)
}

/** The model that answers when a request of this task names none. */
export function defaultModel(models: ModelDirectory, task: ModelTask): ServedModel | undefined {
  return models.list().find((model) => model.task === task)
}

const answeredBy = new WeakMap<Response, string>()

/** Notes inside the process, never in a header, which model answered: the gateway puts it in the receipt (T16). */
export function announceModel(response: Response, model: ServedModel): Response {
  answeredBy.set(response, model.digest)
  return response
}

/** Digest of the model that answered, if one did. */
export function modelDigestOf(response: Response): string | undefined {
  return answeredBy.get(response)
}
