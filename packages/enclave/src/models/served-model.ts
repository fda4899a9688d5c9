import type { ServedModel } from '../api/index.ts'
import type { EngineProcess } from '../engines/index.ts'

/** An engine process as the API sees it: only the operations its model offers. */
export function serveModel(engine: EngineProcess, loadedAt: number): ServedModel {
  const { manifest, info } = engine
  const offers = new Set(info.operations)
  return {
    id: manifest.id,
    task: manifest.task,
    digest: manifest.digest,
    loadedAt,
    ...(info.dimensions !== undefined && { dimensions: info.dimensions }),
    ...(offers.has('transcribe') && {
      transcribe: (file, params, signal) => engine.transcribeFile(file, params, { signal }),
    }),
    ...(offers.has('generate') && { generate: (request, signal) => engine.generate(request, { signal }) }),
    ...(offers.has('summarize') && { summarize: (request, signal) => engine.summarize(request, { signal }) }),
    ...(offers.has('embed') && { embed: (request, signal) => engine.embed(request, { signal }) }),
  }
}
