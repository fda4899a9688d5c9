import type { ServedModel } from '../api/index.ts'
import type { EngineProcess, Upstream } from '../engines/index.ts'

/** An engine process as the API sees it: only the operations its model offers. */
export function serveModel(engine: EngineProcess, loadedAt: number): ServedModel {
  const { manifest, info } = engine
  const offers = new Set(info.operations)
  return {
    id: manifest.id,
    task: manifest.task,
    digest: manifest.digest,
    loadedAt,
    runsIn: 'enclave',
    ...(offers.has('generate') && info.contextTokens !== undefined && { contextTokens: info.contextTokens }),
    ...(info.dimensions !== undefined && { dimensions: info.dimensions }),
    ...(info.inputs && info.outputs && { tensors: { inputs: info.inputs, outputs: info.outputs } }),
    health: {
      get isReady() {
        return engine.state === 'ready'
      },
    },
    ...(offers.has('transcribe') && {
      transcribe: (file, params, signal) => engine.transcribeFile(file, params, { signal }),
    }),
    ...(offers.has('generate') && { generate: (request, signal) => engine.generate(request, { signal }) }),
    ...(offers.has('summarize') && { summarize: (request, signal) => engine.summarize(request, { signal }) }),
    ...(offers.has('embed') && { embed: (request, signal) => engine.embed(request, { signal }) }),
    ...(offers.has('infer') && { infer: (request, signal) => engine.infer(request, { signal }) }),
  }
}

/** A model in a server beside this process, as the API sees it. */
export function serveUpstream(upstream: Upstream, loadedAt: number): ServedModel {
  const { id, task } = upstream.config
  return {
    id,
    task,
    digest: upstream.digest,
    loadedAt,
    runsIn: 'server',
    ...(upstream.tensors && { tensors: upstream.tensors }),
    health: {
      get isReady() {
        return upstream.isReady
      },
    },
    ...(task === 'text-generation' && { generate: (request, signal) => upstream.generate(request, signal) }),
    ...(task === 'embedding' && { embed: (request, signal) => upstream.embed(request, signal) }),
    ...(task === 'tensors' && { infer: (request, signal) => upstream.infer(request, signal) }),
  }
}
