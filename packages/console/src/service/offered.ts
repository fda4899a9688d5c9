import type { Sotto } from '@sotto/client'
import { refusalOf } from './read-refusal.ts'

/** A model as the service lists it. What it does not say is absent. */
export interface OfferedModel {
  id: string
  /** `transcription`, `text-generation`, `summarization`, `embedding`, `tensors`, or one of a later service. */
  task: string
  /** Of its manifest: what receipts name. */
  digest: string | undefined
  /** Unix seconds. */
  loadedAt: number | undefined
  /** The model that this is another name of. */
  aliasOf: string | undefined
  /** Tokens of prompt and answer together. */
  contextTokens: number | undefined
  /** `enclave`: a process of the enclave; `server`: a model server beside it, inside the same machine. */
  runsIn: 'enclave' | 'server' | undefined
}

/** More than any service has. */
const MAX_MODELS = 1000

/** The models that the service serves to everybody. @throws `SottoError` in the service's words; what `fetch` throws */
export async function offeredModels(sotto: Sotto, signal?: AbortSignal): Promise<OfferedModel[]> {
  const response = await sotto.fetch(`${sotto.baseURL}/models`, { ...(signal && { signal }) })
  if (!response.ok) throw await refusalOf(response)
  return parseOffered(await response.json())
}

/** Entries that have no id or task are not shown: nobody could ask for them. */
export function parseOffered(body: unknown): OfferedModel[] {
  const data = (body as { data?: unknown } | null)?.data
  if (!Array.isArray(data)) return []
  return data.slice(0, MAX_MODELS).flatMap((entry: unknown) => {
    const { id, task, digest, created, alias_of, context_tokens, runs_in } = (entry ?? {}) as Record<
      string,
      unknown
    >
    const name = text(id)
    const kind = text(task)
    if (name === undefined || kind === undefined) return []
    return {
      id: name,
      task: kind,
      digest: text(digest),
      loadedAt: count(created),
      aliasOf: text(alias_of),
      contextTokens: count(context_tokens),
      runsIn: runs_in === 'enclave' || runs_in === 'server' ? runs_in : undefined,
    }
  })
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.length > 0 && value.length <= 256 ? value : undefined
}

function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined
}
