import { INNER_ORIGIN } from '../transport/inner-request.ts'
import type { Sotto } from '../types.ts'
import { parseAzurePath } from './azure.ts'
import { envelope, errorResponse } from './errors.ts'
import { explainCut } from './explain-cut.ts'
import { corsHeaders, type Guard, hashSecret, isPreflight, refuse } from './guard.ts'
import { isLiveUpload } from './live-upload.ts'
import { withRequestId } from './request-id.ts'
import { ownerSecret, type ProxyOwner, refuseOwnersAct } from './owner-guard.ts'
import { answerSealedModels, isSealedModelsPath, SEALED_MODELS_PATH } from './sealed-models.ts'
import { setModel } from './set-model.ts'
import { isTensorPath, plainBody, tensorError } from './tensor-route.ts'

/** Options of {@link createProxy}. */
export interface ProxyOptions {
  /** The verified connection every request goes through. */
  sotto: Pick<Sotto, 'fetch' | 'trust' | 'receipts'> & Partial<Pick<Sotto, 'models' | 'fetchLive'>>
  /** Whose models `/v1/sealed-models` publishes and removes, for whoever has the secret. @default it only reads them */
  owner?: ProxyOwner
  /** Accepted `Host` values with port: `127.0.0.1:8787`. */
  hosts: Iterable<string>
  /** Web origins that may call the proxy. @default none */
  origins?: Iterable<string>
  /** Local secret that callers present as their API key. It is not sent anywhere. @default none required */
  apiKey?: string
}

/** Response fields that describe one hop, or that the enclave has no business setting here. */
const DROPPED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'set-cookie',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * The OpenAI API on this machine: `/v1/*`, tensors under `/v2` and Azure deployment paths go through the encryption,
 * `/sotto/trust`, `/sotto/receipts` and `/healthz` are answered here. Bodies stream both ways; the
 * request's signal cancels upstream.
 * @throws `PROXY_CONFIG` a secret of the owner that could be guessed
 */
export function createProxy(options: ProxyOptions): (request: Request) => Promise<Response> {
  const { apiKey, sotto } = options
  const owner = options.owner && { ...options.owner, secret: ownerSecret(options.owner) }
  const guard: Guard = {
    hosts: new Set([...options.hosts].map((host) => host.toLowerCase())),
    origins: new Set(options.origins),
    // A request has one authorization: whoever may act for the owner may use the proxy as well.
    secrets: apiKey === undefined ? undefined : [hashSecret(apiKey), ...(owner ? [owner.secret] : [])],
  }
  return async function proxy(request) {
    const refusal = refuse(guard, request)
    if (refusal !== undefined) return withRequestId(refusal)
    const response = withRequestId(isPreflight(request) ? preflight() : await answer(sotto, owner, request))
    for (const [name, value] of corsHeaders(guard, request)) response.headers.set(name, value)
    return response
  }
}

async function answer(
  sotto: ProxyOptions['sotto'],
  owner: (Omit<ProxyOwner, 'secret'> & { secret: Uint8Array }) | undefined,
  request: Request,
): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  const local = LOCAL[pathname]
  if (local !== undefined) {
    return request.method === 'GET' ? local(sotto) : notAllowed()
  }
  if (isTensorPath(pathname)) {
    try {
      return await forward(sotto, request, pathname + search, plainBody(request))
    } catch (error) {
      return tensorError(error)
    }
  }
  try {
    // Whatever it is called: weights in clear must not go on to the service.
    if (isSealedModelsPath(pathname)) {
      if (sotto.models === undefined || !`${pathname}/`.startsWith(`${SEALED_MODELS_PATH}/`))
        return notAllowed()
      const refusal = owner && request.method !== 'GET' ? refuseOwnersAct(owner.secret, request) : undefined
      if (refusal !== undefined) return refusal
      const desk = { models: sotto.models, owner: owner?.owner }
      return (await answerSealedModels(desk, request)) ?? notAllowed()
    }
    if (pathname.startsWith('/v1/')) return await forward(sotto, request, pathname + search, request.body)
    if (pathname.startsWith('/openai/v1/')) {
      return await forward(sotto, request, pathname.slice('/openai'.length), request.body)
    }
    const azure = parseAzurePath(pathname)
    if (azure === undefined) return envelope(404, 'not_found', 'there is nothing at this path', 'fix-input')
    if (request.method !== 'POST') return notAllowed()
    const { body, contentType } = await setModel(request, azure.model)
    return await forward(sotto, request, azure.path, body, contentType)
  } catch (error) {
    return errorResponse(error)
  }
}

async function forward(
  sotto: ProxyOptions['sotto'],
  request: Request,
  path: string,
  body: ReadableStream<Uint8Array> | AsyncGenerator<Uint8Array> | string | null,
  contentType?: string,
): Promise<Response> {
  const headers = new Headers(request.headers)
  if (contentType !== undefined) headers.set('content-type', contentType)
  const send = isLiveUpload(request, path) ? (sotto.fetchLive ?? sotto.fetch) : sotto.fetch
  const inner = await send(INNER_ORIGIN + path, {
    method: request.method,
    headers,
    body: body as BodyInit | null,
    signal: request.signal,
  })
  const outer = new Headers([...inner.headers].filter(([name]) => isForwarded(name)))
  if (sotto.trust.software) outer.set('x-sotto-software-tee', 'true')
  const isEvents = inner.body !== null && /^text\/event-stream(?:;|$)/i.test(outer.get('content-type') ?? '')
  const content = isEvents ? explainCut(inner.body!) : inner.body
  return new Response(content as BodyInit | null, { status: inner.status, headers: outer })
}

function isForwarded(name: string): boolean {
  return !DROPPED.has(name) && !name.startsWith('access-control-')
}

const LOCAL: Readonly<Record<string, ((sotto: ProxyOptions['sotto']) => Response) | undefined>> = {
  '/healthz': () => json({ status: 'ok' }),
  '/sotto/trust': (sotto) => json(sotto.trust),
  '/sotto/receipts': (sotto) =>
    json({
      receipts: sotto.receipts.map((record) =>
        record.status === 'verified'
          ? record
          : { status: record.status, error: { code: record.error.code, message: record.error.message } },
      ),
    }),
}

function json(value: unknown): Response {
  return Response.json(value, { headers: { 'cache-control': 'no-store' } })
}

function notAllowed(): Response {
  return envelope(405, 'method_not_allowed', 'this method is not allowed here', 'fix-input')
}

/** The origin was accepted before; what it may send is what the API takes. */
function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'authorization, content-type, api-key, inference-header-content-length',
      'access-control-max-age': '600',
    },
  })
}
