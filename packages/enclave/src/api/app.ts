import { Hono } from 'hono'
import type { WaitingRoom } from './audio/incoming-file.ts'
import { answerTranscription } from './audio/transcriptions.ts'
import { createKserve } from './kserve/index.ts'
import { announceModel, defaultModel, findModel, type ModelDirectory, type ServedModel } from './models.ts'
import { listModels, showModel } from './model-list.ts'
import { readJson } from './openai/body.ts'
import { ApiError, errorResponse, unsupported } from './openai/errors.ts'
import { chatRequest, chatSchema } from './text/chat-schema.ts'
import { completionRequests, completionSchema } from './text/completion-schema.ts'
import { chatDialect, completionDialect, functionDialect } from './text/dialects.ts'
import { answerEmbeddings, embeddingSchema } from './text/embeddings.ts'
import { answerGeneration, type Clock } from './text/generate.ts'
import { answerResponses } from './text/responses/answer.ts'
import { responsesSchema } from './text/responses/schema.ts'
import { answerSummary, summarySchema } from './text/summaries.ts'
import { hasFunctions } from './text/tool-fields.ts'

/** What the inner API needs. */
export interface ApiOptions {
  models: ModelDirectory
  clock: Clock
  /** Largest recording, bytes. */
  maxUploadBytes: number
  /** Where recordings wait whose fields come after them. */
  waitingRoom: WaitingRoom
  /** `/v1/sealed-models`, told the path below it. Absent: owners have nothing here. */
  sealedModels?: ((request: Request, path: string) => Promise<Response>) | undefined
  /** `/v1/rooms`, told the path below it. Absent: parties have nothing here. */
  rooms?: ((request: Request, path: string) => Promise<Response>) | undefined
}

/** Operations a route may need of a model. */
type Operation = 'generate' | 'summarize' | 'embed'

const SEALED_MODELS = '/v1/sealed-models'
const ROOMS = '/v1/rooms'
const TASKS = { generate: 'text-generation', summarize: 'summarization', embed: 'embedding' } as const

/**
 * The API inside the encryption: `(Request) => Response` with the OpenAI fields, errors and streams.
 * It knows nothing of keys, clients or transport.
 */
export function createApi(options: ApiOptions): (request: Request) => Promise<Response> {
  const { models, clock } = options
  const uploads = { maxFileBytes: options.maxUploadBytes, waitingRoom: options.waitingRoom }
  const pick = async (id: string | undefined, operation: Operation): Promise<ServedModel> => {
    const model = id === undefined ? defaultModel(models, TASKS[operation]) : await findModel(models, id)
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

  app.get('/v1/models', () => listModels(models))
  app.get('/v1/models/:id{.+}', (context) => showModel(models, context.req.param('id')))
  app.post('/v1/chat/completions', async (context) => {
    const body = await readJson(context.req.raw, chatSchema)
    const model = await pick(body.model, 'generate')
    const isOlder = hasFunctions(body)
    return announceModel(
      await answerGeneration({
        ...generation(body, context.req.raw),
        model,
        prompts: [chatRequest(body)],
        n: body.n ?? 1,
        bestOf: body.n ?? 1,
        dialect: isOlder ? functionDialect : chatDialect,
        names: { format: 'response_format', tools: isOlder ? 'functions' : 'tools' },
        clock,
      }),
      model,
    )
  })
  app.post('/v1/completions', async (context) => {
    const body = await readJson(context.req.raw, completionSchema)
    const model = await pick(body.model, 'generate')
    return announceModel(
      await answerGeneration({
        ...generation(body, context.req.raw),
        model,
        prompts: completionRequests(body),
        n: body.n ?? 1,
        bestOf: body.best_of ?? body.n ?? 1,
        dialect: completionDialect,
        clock,
      }),
      model,
    )
  })
  app.post('/v1/responses', async (context) => {
    const body = await readJson(context.req.raw, responsesSchema)
    const model = await pick(body.model, 'generate')
    return announceModel(await answerResponses(model, body, clock, context.req.raw.signal), model)
  })
  app.post('/v1/embeddings', async (context) => {
    const body = await readJson(context.req.raw, embeddingSchema)
    const model = await pick(body.model, 'embed')
    return announceModel(await answerEmbeddings(model, body, context.req.raw.signal), model)
  })
  app.post('/v1/summaries', async (context) => {
    const body = await readJson(context.req.raw, summarySchema)
    const model = await pick(body.model, 'summarize')
    return announceModel(await answerSummary(model, body, context.req.raw.signal), model)
  })
  for (const [path, task] of [
    ['/v1/audio/transcriptions', 'transcribe'],
    ['/v1/audio/translations', 'translate'],
  ] as const) {
    app.post(path, (context) => answerTranscription(context.req.raw, models, task, uploads))
  }
  const kserve = createKserve(models)
  for (const path of ['/v2', '/v2/*']) app.all(path, (context) => kserve(context.req.raw))
  const { sealedModels, rooms } = options
  if (rooms)
    app.all(`${ROOMS}/*`, ({ req }) => rooms(req.raw, new URL(req.raw.url).pathname.slice(ROOMS.length)))
  if (sealedModels)
    for (const path of [SEALED_MODELS, `${SEALED_MODELS}/*`])
      app.all(path, ({ req }) =>
        sealedModels(req.raw, new URL(req.raw.url).pathname.slice(SEALED_MODELS.length)),
      )
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
