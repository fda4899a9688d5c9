import { join } from 'node:path'
import type { ServedModel } from '../api/index.ts'
import type { EngineHost } from '../engines/index.ts'
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
 * enclave that could not load a model is not ready.
 */
export async function loadModels(
  models: SealedModels,
  contentKeys: ReadonlyMap<string, Uint8Array>,
  host: EngineHost,
  now: () => number,
): Promise<ServedModel[]> {
  const started = await Promise.all(
    models.artifacts.map(async ({ id, file }) => {
      const { manifest, files } = await openSealedModel(join(models.directory, file), contentKeys.get(id)!)
      const engine = await host.start({ manifest, files })
      for (const bytes of files.values()) bytes.fill(0)
      return serveModel(engine, now())
    }),
  )
  return started.sort(
    (a, b) => TASK_ORDER.indexOf(a.task) - TASK_ORDER.indexOf(b.task) || (a.id < b.id ? -1 : 1),
  )
}
