import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { SottoError } from '@sotto/protocol/errors'
import type { Decoder } from '@sotto/protocol/jcs'
import { artifactKeyImportDecoder, decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import {
  type LoggedModelDocument,
  loggedModelDocumentDecoder,
  MAX_LIST_BYTES,
  MAX_LOGGED_BYTES,
  MAX_PUBLICATION_BYTES,
  MAX_UPLOAD_PART_BYTES,
  MAX_WITHDRAWAL_BYTES,
  MAX_WITHDRAWN_BYTES,
  type ModelRemoval,
  type ModelStatement,
  modelPublicationDecoder,
  modelWithdrawalDecoder,
  modelWithdrawnDecoder,
  ownerTag,
  verifyOwnerDocument,
} from '@sotto/protocol/sealed-models'
import { createConcurrencyLimiter, readBody, readPaced } from '@sotto/serve/limits'
import { ApiError } from '../openai/errors.ts'
import { refusal, unreachable } from '../passing/refusal.ts'
import { createUpstream, type PassedRequest, type Upstream, UpstreamRefusal } from '../passing/upstream.ts'

/** Where owners' requests go on to. */
export interface SealedModelsOptions {
  /** The KMS, or the replicas of one. */
  kmsUrls: readonly string[]
  registryUrl: string
  /** Documents for another deployment go nowhere. */
  genesis: string
  /** Told of a statement that the registry shows. */
  onPublished?: (statement: ModelStatement) => void
  /** Told of a removal that the registry has taken. */
  onRemoved?: (removal: ModelRemoval) => void
  fetch?: typeof fetch
}

/** Parts of uploads in memory at once, and how many wait: 32 MiB each. */
const PARTS_AT_ONCE = { running: 4, waiting: 32 }
const MAX_INTENT_BYTES = 8192
const MAX_IMPORT_BYTES = 131_072
/** Answers to uploads and imports are a few hundred bytes. */
const MAX_SHORT_ANSWER = 4096

const UPLOAD = /^\/uploads\/([0-9a-f]{32})$/
const MODEL = /^\/([a-z2-7]{24})\/([a-z0-9][a-z0-9._-]{0,62})(?::([1-9]\d{0,9}))?$/
const PAGE = /^[\x21-\x7e]{1,128}$/

/**
 * `/v1/sealed-models`: what owners say to registry and KMS, passed on for those who reach only the relay. Nothing here
 * is decided by this enclave, and nothing needs to be believed of it: every document is signed by its owner, every key
 * wrapped to the KMS that the owner's program verified, and every answer proves itself. It never throws.
 * @returns for a path below `/v1/sealed-models`, without it
 */
export function createSealedModels(
  options: SealedModelsOptions,
): (request: Request, path: string) => Promise<Response> {
  const { genesis } = options
  const registry = createUpstream([options.registryUrl], unreachable('registry of models'), options.fetch)
  const kms = createUpstream(options.kmsUrls, unreachable('KMS'), options.fetch)
  const parts = createConcurrencyLimiter(PARTS_AT_ONCE)

  async function answer(request: Request, path: string): Promise<Response> {
    const { method, signal } = request
    const to = (upstream: Upstream, passed: Omit<PassedRequest, 'signal'>): Promise<Response> =>
      pass(upstream, { ...passed, signal })
    if (path === '/uploads' && method === 'POST') {
      const body = await readBody(request, MAX_INTENT_BYTES)
      return to(registry, { method, path: '/v1/uploads', body, maxAnswerBytes: MAX_SHORT_ANSWER })
    }
    const [, upload] = UPLOAD.exec(path) ?? []
    if (upload !== undefined && method === 'GET')
      return to(registry, { method, path: `/v1/uploads/${upload}`, maxAnswerBytes: MAX_SHORT_ANSWER })
    if (upload !== undefined && method === 'PATCH') {
      const headers = {
        'content-type': 'application/octet-stream',
        'upload-offset': request.headers.get('upload-offset') ?? '',
      }
      const about = { path: `/v1/uploads/${upload}`, maxAnswerBytes: MAX_SHORT_ANSWER }
      // Who knows of no upload gets no place: the registry tells its owner alone what it is called.
      await registry({ ...about, method: 'GET', signal })
      // Whole before it goes on: a part that was cut on its way here has no effect (T12).
      return parts.run(async () => {
        const body = await readPaced(request, MAX_UPLOAD_PART_BYTES)
        return to(registry, { ...about, method, headers, body })
      })
    }
    if (path === '' && method === 'GET') {
      const query = listQuery(new URL(request.url).searchParams)
      return to(registry, { method, path: `/v1/models?${query}`, maxAnswerBytes: MAX_LIST_BYTES })
    }
    const [whole, tag, name, version] = MODEL.exec(path) ?? []
    if (whole === undefined) throw new ApiError('API_ROUTE_NOT_FOUND', 'no such route')
    if (method === 'GET')
      return to(registry, { method, path: `/v1/models${whole}`, maxAnswerBytes: MAX_LOGGED_BYTES })
    if (version !== undefined) throw new ApiError('API_ROUTE_NOT_FOUND', 'no such route')
    const named = { tag: tag!, name: name! }
    if (method === 'PUT') return publish(request, named)
    if (method === 'DELETE') return withdraw(request, named)
    throw new ApiError('API_ROUTE_NOT_FOUND', 'no such route')
  }

  /** The key first: a model that is shown can be loaded. */
  async function publish(request: Request, named: Named): Promise<Response> {
    const body = await readJson(request, MAX_PUBLICATION_BYTES, modelPublicationDecoder)
    const statement = verifyOwnerDocument('statement', body.statement, genesis)
    requireNamed(statement, named)
    const key = documentIn(body.import, artifactKeyImportDecoder, MAX_IMPORT_BYTES, 'import')
    if (
      key.artifact !== statement.artifact ||
      key.owner !== statement.owner ||
      key.policy !== statement.policy ||
      key.model?.name !== statement.name ||
      key.model.version !== statement.version
    )
      throw new ApiError('API_INVALID', 'import and statement are about different models', 'import')
    const { signal } = request
    await kms({
      method: 'POST',
      path: `/v1/artifacts/${key.artifact}/key`,
      body: body.import,
      maxAnswerBytes: MAX_SHORT_ANSWER,
      signal,
    })
    const response = await pass(registry, {
      method: 'PUT',
      path: '/v1/models',
      body: body.statement,
      maxAnswerBytes: MAX_LOGGED_BYTES,
      signal,
    })
    options.onPublished?.(statement)
    return response
  }

  /**
   * The keys first: what nobody can open any more needs no registry to be gone. The KMS finds them by itself; a registry
   * that says it has no such model ends nothing of that.
   */
  async function withdraw(request: Request, named: Named): Promise<Response> {
    const { removal: envelope } = await readJson(request, MAX_WITHDRAWAL_BYTES, modelWithdrawalDecoder)
    const removal = verifyOwnerDocument('removal', envelope, genesis)
    requireNamed(removal, named)
    const { signal } = request
    const told = await kms({
      method: 'POST',
      path: '/v1/model-removals',
      body: envelope,
      maxAnswerBytes: MAX_WITHDRAWN_BYTES,
      signal,
    })
    const receipt = receiptIn(told.bytes)
    const logged = await endIn(registry, envelope, signal)
    options.onRemoved?.(removal)
    return answerOf({ bytes: encodeDocument({ receipt, ...(logged && { logged }) }), offset: undefined })
  }

  return async (request, path) => {
    try {
      return await answer(request, path)
    } catch (error) {
      return refusal(error)
    }
  }
}

interface Named {
  tag: string
  name: string
}

/** An answer as it is: its bytes are what is signed, or canonical. */
async function pass(upstream: Upstream, request: PassedRequest): Promise<Response> {
  return answerOf(await upstream(request))
}

function answerOf({ bytes, offset }: Awaited<ReturnType<Upstream>>): Response {
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(offset !== undefined && { 'upload-offset': offset }),
    },
  })
}

/** Codes of a registry that has nothing to end. */
const ENDED = ['REGISTRY_MODEL_UNKNOWN', 'REGISTRY_MODEL_REMOVED']

/** The removal in the log, or nothing where the registry has no such model. */
async function endIn(
  registry: Upstream,
  body: string,
  signal: AbortSignal,
): Promise<LoggedModelDocument | undefined> {
  try {
    const path = '/v1/removals'
    const { bytes } = await registry({ method: 'POST', path, body, maxAnswerBytes: MAX_LOGGED_BYTES, signal })
    return decodeDocument(bytes, loggedModelDocumentDecoder, 'answer', MAX_LOGGED_BYTES)
  } catch (error) {
    if (error instanceof UpstreamRefusal && ENDED.includes(error.code)) return undefined
    if (error instanceof UpstreamRefusal || error instanceof ApiError) throw error
    throw unreachable('registry of models')()
  }
}

function receiptIn(bytes: Uint8Array): string {
  try {
    return modelWithdrawnDecoder(JSON.parse(fromUtf8(bytes)), 'answer').receipt
  } catch {
    throw unreachable('KMS')()
  }
}

function requireNamed({ owner, name }: { owner: string; name: string }, named: Named): void {
  if (ownerTag(owner) === named.tag && name === named.name) return
  throw new ApiError('API_INVALID', 'path and document name different models')
}

function listQuery(given: URLSearchParams): string {
  const query = new URLSearchParams()
  for (const member of ['owner', 'name', 'after']) {
    const value = given.get(member)
    if (value === null) continue
    if (!PAGE.test(value)) throw new ApiError('API_INVALID', 'not what this parameter takes', member)
    query.set(member, value)
  }
  return query.toString()
}

async function readJson<T>(request: Request, maxBytes: number, decoder: Decoder<T>): Promise<T> {
  const bytes = await readBody(request, maxBytes)
  try {
    return decoder(JSON.parse(fromUtf8(bytes)), 'body')
  } catch (cause) {
    const message = cause instanceof SottoError ? cause.message : 'the body is not JSON'
    throw new ApiError('API_INVALID', message)
  }
}

/** What an envelope says; whether it is true is for registry and KMS to find out. */
function documentIn<T>(envelope: string, decoder: Decoder<T>, maxBytes: number, param: string): T {
  try {
    return decodeDocument(parseDsse(utf8(envelope)).payload, decoder, param, maxBytes)
  } catch {
    throw new ApiError('API_INVALID', 'this is not what an owner signs', param)
  }
}
