import { aliasTarget, findModel, type ModelDirectory, type ServedModel } from './models.ts'
import { ApiError } from './openai/errors.ts'

/** `GET /v1/models`: the models, then their other names, each an entry that says whose name it is. */
export function listModels(models: ModelDirectory): Response {
  const aliases = Object.keys(models.aliases ?? {}).flatMap((alias) => {
    const model = models.list().find(({ id }) => id === models.aliases![alias])
    return model === undefined ? [] : [describe(model, alias)]
  })
  return Response.json({
    object: 'list',
    data: [...models.list().map((model) => describe(model, model.id)), ...aliases],
  })
}

/** `GET /v1/models/{id}`. @throws `API_MODEL_NOT_FOUND` */
export async function showModel(models: ModelDirectory, id: string): Promise<Response> {
  const target = aliasTarget(models, id)
  const onDemand = await models.onDemand?.describe(target)
  if (onDemand !== undefined) {
    const { createdAt, owner, ...model } = onDemand
    const about = { ...model, object: 'model', created: createdAt, owned_by: owner }
    return Response.json(target === id ? about : { ...about, id, alias_of: target })
  }
  const model = await findModel(models, id)
  if (!model) throw new ApiError('API_MODEL_NOT_FOUND', 'no model of this name', 'model')
  return Response.json(describe(model, id))
}

function describe(model: ServedModel, name: string): object {
  return {
    id: name,
    object: 'model',
    created: model.loadedAt,
    owned_by: 'sotto',
    task: model.task,
    digest: model.digest,
    ...(model.contextTokens !== undefined && { context_tokens: model.contextTokens }),
    ...(model.runsIn && { runs_in: model.runsIn }),
    ...(name !== model.id && { alias_of: model.id }),
  }
}
