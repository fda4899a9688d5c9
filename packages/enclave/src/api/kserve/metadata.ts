import type { ModelDirectory, ServedModel } from '../models.ts'

/** Name and version of this server, as the protocol's server metadata states them. */
export const SERVER: { readonly name: string; readonly version: string } = { name: 'sotto', version: '0.1.0' }

/** Extensions of the protocol that are offered. */
const EXTENSIONS = ['binary_tensor_data', 'model_repository']

/** `GET /v2`. */
export function serverMetadata(): Response {
  return Response.json({ ...SERVER, extensions: EXTENSIONS })
}

/** `GET /v2/models/{id}`. */
export function modelMetadata(model: ServedModel): Response {
  return Response.json({
    name: model.id,
    versions: [versionOf(model)],
    platform: 'onnxruntime_onnx',
    inputs: model.tensors?.inputs ?? [],
    outputs: model.tensors?.outputs ?? [],
  })
}

/** `POST /v2/repository/index`: the models that take tensors. */
export function repositoryIndex(models: ModelDirectory): Response {
  return Response.json(
    models
      .list()
      .filter((model) => model.infer !== undefined)
      .map((model) => ({
        name: model.id,
        version: versionOf(model),
        state: isReady(model) ? 'READY' : 'UNAVAILABLE',
        reason: isReady(model) ? '' : 'its engine is being started again, or was given up',
      })),
  )
}

/**
 * The version of a model is the digest of its manifest: who names one gets exactly these weights, and it is the
 * digest that the receipt quotes.
 */
export function versionOf(model: ServedModel): string {
  return model.digest
}

/** Whether the engine of a model can take a request now. */
export function isReady(model: ServedModel): boolean {
  return model.health?.isReady ?? true
}
