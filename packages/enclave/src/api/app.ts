import { Hono } from 'hono'
import { answerTranscription } from './audio/transcriptions.ts'
import { announceModel, defaultModel, findModel, type ModelDirectory, type ServedModel } from './models.ts'
import { readJson } from './openai/body.ts'
import { ApiError, errorResponse, unsupported } from './openai/errors.ts'
import { chatRequest, chatSchema, completionRequest, completionSchema } from './text/chat-schema.ts'
import { chatDialect, completionDialect } from './text/dialects.ts'
import { answerEmbeddings, embeddingSchema } from './text/embeddings.ts'
import { answerGeneration, type Clock } from './text/generate.ts'
import { answerSummary, summarySchema } from './text/summaries.ts'

/** What the inner API needs. */
export interface ApiOptions {
  models: ModelDirectory
  clock: Clock
  /** Largest recording, bytes. */
  maxUploadBytes: number
}

/** Operations a route may need of a model. */
type Operation = 'generate' | 'summarize' | 'embed'

const TASKS = { generate: 'text-generation', summarize: 'summarization', embed: 'embedding' } as const

/**
 * The API inside the encryption: `(Request) => Response` with the OpenAI fields, errors and streams.
 * It knows nothing of keys, clients or transport.
 */
export function createApi(options: ApiOptions): (request: Request) => Promise<Response> {
  const { models, clock } = options
  const pick = (id: string | undefined, operation: Operation): ServedModel => {
    const model = id === undefined ? defaultModel(models, TASKS[operation]) : findModel(models, id)
    if (!model)
      throw new ApiError(
        'API_MODEL_NOT_FOUND',
        `no model named ${JSON.stringify(id ?? TASKS[operation])}`,
        'model',
      )
    if (!model[operation]) throw unsupported('model', `this model does not ${operation}`)
    return model
  }
  const app = new Hono({ strict: true })

  app.get('/v1/models', () => Response.json({ object: 'list', data: models.list().map(describe) }))
  app.get('/v1/models/:id{.+}', (context) => {
    const model = findModel(models, context.req.param('id'))
    if (!model) throw new ApiError('API_MODEL_NOT_FOUND', 'no model of this name', 'model')
    return Response.json(describe(model))
  })
  app.post('/v1/chat/completions', async (context) => {
    const body = await readJson(context.req.raw, chatSchema)
    const model = pick(body.model, 'generate')
    return announceModel(
      await answerGeneration({
        ...generation(body, context.req.raw),
        model,
        request: chatRequest(body),
        dialect: chatDialect,
        clock,
      }),
      model,
    )
  })
  app.post('/v1/completions', async (context) => {
    const body = await readJson(context.req.raw, completionSchema)
    const model = pick(body.model, 'generate')
    return announceModel(
      await answerGeneration({
        ...generation(body, context.req.raw),
        model,
        request: completionRequest(body),
        dialect: completionDialect,
        clock,
      }),
      model,
    )
  })
  app.post('/v1/embeddings', async (context) => {
    const body = await readJson(context.req.raw, embeddingSchema)
    const model = pick(body.model, 'embed')
    return announceModel(await answerEmbeddings(model, body, context.req.raw.signal), model)
  })
  app.post('/v1/summaries', async (context) => {
    const body = await readJson(context.req.raw, summarySchema)
    const model = pick(body.model, 'summarize')
    return announceModel(await answerSummary(model, body, context.req.raw.signal), model)
  })
  for (const [path, task] of [
    ['/v1/audio/transcriptions', 'transcribe'],
    ['/v1/audio/translations', 'translate'],
  ] as const) {
    app.post(path, (context) => answerTranscription(context.req.raw, models, task, options.maxUploadBytes))
  }
  app.notFound(() => errorResponse(new ApiError('API_ROUTE_NOT_FOUND', 'no such route')))
  app.onError((error) => errorResponse(error))
  return async (request) => app.fetch(request)
}

function generation(
  body: {
    stream?: boolean | null | undefined
    stream_options?: { include_usage?: boolean | null | undefined } | null | undefined
  },
  request: Request,
) {
  return {
    stream: body.stream === true,
    includeUsage: body.stream_options?.include_usage === true,
    clientSignal: request.signal,
  }
}

function describe(model: ServedModel): object {
  return {
    id: model.id,
    object: 'model',
    created: model.loadedAt,
    owned_by: 'sotto',
    task: model.task,
    digest: model.digest,
  }
}
