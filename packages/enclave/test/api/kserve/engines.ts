import { createHash } from 'node:crypto'
import type { ServedModel } from '../../../src/api/index.ts'
import type { EngineHost, EngineProcess, EngineSpec } from '../../../src/engines/host/index.ts'
import { modelDigest } from '../../../src/engines/manifest.ts'
import { createTensorEngine } from '../../../src/engines/onnx/index.ts'
import type { ModelManifest } from '../../../src/engines/types.ts'
import { serveModel } from '../../../src/models/index.ts'
import { modelFile } from '../../engines/fixtures/model.ts'

/** A manifest of a model that is one ONNX file. */
function manifestOf(id: string, bytes: Uint8Array): ModelManifest {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const files = [{ name: 'model.onnx', sha256, size: bytes.length, role: 'weights' }] as const
  const manifest = { format: 'sotto-model/1', id, task: 'tensors', engine: 'onnx', files } as const
  return { ...manifest, digest: modelDigest(manifest) }
}

/** Starts an ONNX model in a process of its own, as it is served. */
export async function startOnnx(
  host: EngineHost,
  id: string,
  bytes: Uint8Array,
  over: Partial<EngineSpec> = {},
): Promise<{ engine: EngineProcess; model: ServedModel }> {
  const manifest = manifestOf(id, bytes)
  const files = new Map([['model.onnx', bytes]])
  const engine = await host.start({ manifest, files, threads: 1, ...over })
  return { engine, model: serveModel(engine, 0) }
}

/** The same engine in this process: for many small graphs, where what is tested is between it and the client. */
export async function loadOnnx(
  id: string,
  bytes: Uint8Array,
): Promise<{ model: ServedModel; close(): Promise<void> }> {
  const engine = createTensorEngine()
  const { inputs, outputs } = await engine.load({
    ...manifestOf(id, bytes),
    files: new Map([['model.onnx', modelFile('model.onnx', bytes, 'weights')]]),
    threads: 1,
    contextTokens: 0,
    concurrency: 1,
  })
  const model: ServedModel = {
    id,
    task: 'tensors',
    digest: manifestOf(id, bytes).digest,
    loadedAt: 0,
    tensors: { inputs: inputs!, outputs: outputs! },
    infer: async (request, signal) => [...(await engine.infer!(request, signal))],
  }
  return { model, close: () => engine.close() }
}
