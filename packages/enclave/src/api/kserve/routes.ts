import type { Tensor } from '../../engines/types.ts'
import { announceModel, findModel, type ModelDirectory, type ServedModel } from '../models.ts'
import { ApiError, unsupported } from '../openai/errors.ts'
import type { ByteBudget } from '../../ram/byte-budget.ts'
import { createBodyBudget } from './body-budget.ts'
import { kserveErrorResponse } from './errors.ts'
import { MAX_HELD_BYTES } from './limits.ts'
import { isReady, modelMetadata, repositoryIndex, serverMetadata, versionOf } from './metadata.ts'
import { parsePath, type Target } from './paths.ts'
import { readInfer } from './read-infer.ts'
import { inferResponse } from './write-infer.ts'

/**
 * Any model by tensor: the Open Inference Protocol (KServe v2, REST) with the binary tensor data extension, under
 * `/v2`. It never throws; errors are `{error}`.
 */
export function createKserve(models: ModelDirectory): (request: Request) => Promise<Response> {
  const budget = createBodyBudget(MAX_HELD_BYTES)
  return async (request) => {
    try {
      const target = parsePath(new URL(request.url).pathname)
      const method = METHODS[target.kind]
      if (method !== undefined && request.method !== method) return notAllowed(method)
      return await answer(target, request, models, budget)
    } catch (error) {
      return kserveErrorResponse(error)
    }
  }
}

const METHODS: Readonly<Partial<Record<Target['kind'], 'GET' | 'POST'>>> = {
  server: 'GET',
  live: 'GET',
  ready: 'GET',
  index: 'POST',
  model: 'GET',
  'model-ready': 'GET',
  infer: 'POST',
}

async function answer(
  target: Target,
  request: Request,
  models: ModelDirectory,
  budget: ByteBudget,
): Promise<Response> {
  switch (target.kind) {
    case 'server':
      return serverMetadata()
    case 'live':
      return Response.json({ live: true })
    case 'ready':
      return readiness({ ready: models.list().every(isReady) })
    case 'index':
      return repositoryIndex(models)
    case 'unsupported':
      throw unsupported('path', `this server does not offer ${target.what}`)
    case 'unknown':
      throw new ApiError('API_ROUTE_NOT_FOUND', 'no such route')
    default: {
      const model = await pick(models, target.id, target.version)
      if (target.kind === 'model') return modelMetadata(model)
      if (target.kind === 'model-ready') return readiness({ name: model.id, ready: isReady(model) })
      return infer(model, request, budget)
    }
  }
}

async function pick(models: ModelDirectory, id: string, version: string | undefined): Promise<ServedModel> {
  const model = await findModel(models, id)
  if (model === undefined) throw new ApiError('API_MODEL_NOT_FOUND', 'no model of this name', 'model')
  if (version !== undefined && version !== versionOf(model))
    throw new ApiError(
      'API_MODEL_NOT_FOUND',
      `the model has another version than the path: expected ${versionOf(model)}`,
      'model',
    )
  if (model.infer === undefined)
    throw unsupported('model', `this model takes no tensors: it is one for ${model.task}`)
  return model
}

async function infer(model: ServedModel, request: Request, budget: ByteBudget): Promise<Response> {
  const signature = model.tensors ?? { inputs: [], outputs: [] }
  const { head, inputs, release } = await readInfer(request, signature, budget)
  const wanted = (head.outputs ?? signature.outputs).map(({ name }) => name)
  let outputs: Tensor[]
  try {
    outputs = await model.infer!({ inputs, outputs: wanted }, request.signal)
  } finally {
    release()
  }
  // Few bytes can ask for many, and whoever asks may read them slowly.
  const giveBack = budget.take(outputs.reduce((sum, { data }) => sum + data.length, 0))
  // An answer may also be dropped before anybody begins to read it.
  request.signal.addEventListener('abort', giveBack, { once: true })
  try {
    request.signal.throwIfAborted()
    const answerer = { id: model.id, version: versionOf(model) }
    return announceModel(await inferResponse(head, answerer, wanted, outputs, giveBack), model)
  } catch (error) {
    giveBack()
    throw error
  }
}

function readiness(body: { ready: boolean; name?: string }): Response {
  return Response.json(body, { status: body.ready ? 200 : 503 })
}

function notAllowed(method: string): Response {
  return Response.json(
    { error: `this route takes ${method} only` },
    { status: 405, headers: { allow: method } },
  )
}
