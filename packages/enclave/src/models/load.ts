import { join } from 'node:path'
import type { ServedModel } from '../api/index.ts'
import type { EngineHost, EngineProcess } from '../engines/index.ts'
import { openSealedModel } from './sealed-model.ts'
import { serveModel } from './served-model.ts'

/** Sealed models this enclave is configured to serve. */
export interface SealedModels {
  /** Folder on the untrusted disk. */
  directory: string
  artifacts: readonly { id: string; file: string }[]
}

/** Which request each task goes to first when it names no model: the order of `/v1/models`. */
const TASK_ORDER = ['transcription', 'text-generation', 'summarization', 'embedding', 'tensors']

/**
 * Opens every configured model with its content key and starts its engine. All or nothing: an
 * enclave that could not load a model is not ready, and leaves no engine behind that nobody asks.
 * @throws the codes of `openSealedModel` and `EngineHost.start`
 */
export async function loadModels(
  models: SealedModels,
  contentKeys: ReadonlyMap<string, Uint8Array>,
  host: EngineHost,
  now: () => number,
): Promise<ServedModel[]> {
  const starting = await Promise.allSettled(
    models.artifacts.map(({ id, file }) =>
      startModel(host, join(models.directory, file), contentKeys.get(id)!),
    ),
  )
  const engines = starting.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  const failed = starting.find((start) => start.status === 'rejected')
  if (failed !== undefined) {
    await Promise.all(engines.map((engine) => engine.close()))
    throw failed.reason
  }
  return engines
    .map((engine) => serveModel(engine, now()))
    .sort((a, b) => TASK_ORDER.indexOf(a.task) - TASK_ORDER.indexOf(b.task) || (a.id < b.id ? -1 : 1))
}

async function startModel(host: EngineHost, file: string, contentKey: Uint8Array): Promise<EngineProcess> {
  const { manifest, files } = await openSealedModel(file, contentKey)
  try {
    return await host.start({ manifest, files })
  } finally {
    for (const bytes of files.values()) bytes.fill(0)
  }
}
