import { INNER_ORIGIN } from '../transport/inner-request.ts'
import type { Sotto } from '../types.ts'
import type { Admission, AdmissionRefused } from './admission.ts'
import { askApp } from './app-route.ts'
import { ANYBODY, type Authenticate, bySecrets, type Caller, NO_PEER, type Peer } from './authenticate.ts'
import { parseAzurePath } from './azure.ts'
import { comeBackLater, envelope, errorResponse, problemOf } from './errors.ts'
import { followResponse } from './follow.ts'
import { corsHeaders, type Guard, hashSecret, isPreflight, refuse } from './guard.ts'
import { answerLocally, isLocalPath, notAllowed } from './local-routes.ts'
import type { Observe } from './observe.ts'
import { ownerSecret, type ProxyOwner, refuseOwnersAct } from './owner-guard.ts'
import { withRequestId } from './request-id.ts'
import { isAppPath, routeOf } from './routes.ts'
import { answerSealedModels, isSealedModelsPath, SEALED_MODELS_PATH } from './sealed-models.ts'
import { type Onward, sendInner } from './send-inner.ts'
import { setModel } from './set-model.ts'
import { isTensorPath, plainBody, tensorError } from './tensor-route.ts'

/** Options of {@link createProxy}. */
export interface ProxyOptions {
  /** The verified connection every request goes through. */
  sotto: Pick<Sotto, 'fetch' | 'trust' | 'receipts'> & Partial<Pick<Sotto, 'models' | 'fetchLive' | 'verify'>>
  /** Whose models `/v1/sealed-models` publishes and removes, for whoever has the secret. @default it only reads them */
  owner?: ProxyOwner
  /** Accepted `Host` values with port: `127.0.0.1:8787`. */
  hosts: Iterable<string>
  /** Web origins that may call the proxy. @default none */
  origins?: Iterable<string>
  /** Local secret that callers present as their API key. It is not sent anywhere. @default none required */
  apiKey?: string
  /** Sends what is neither the API's nor the proxy's own to the app of the service: its pages work in a browser. @default false */
  app?: boolean
}

/** Of a proxy for several users. */
export interface SharedProxyOptions extends ProxyOptions {
  /** Tells who asks. @default whoever has `apiKey`, or anybody */
  authenticate?: Authenticate | undefined
  /** Whether callers are different people: what all of them asked is then nobody's to see. @default false */
  isShared?: boolean
  /** Bounds on what users ask. @default none */
  admission?: Admission | undefined
  observe?: Observe | undefined
}

/** Answers one request of whoever is at the other end. */
export type ProxyHandler = (request: Request, peer?: Peer) => Promise<Response>

/**
 * The OpenAI API on this machine: `/v1/*`, tensors under `/v2` and Azure deployment paths go through the encryption,
 * `/sotto/trust`, `/sotto/receipts` and `/healthz` are answered here. Bodies stream both ways; the
 * request's signal cancels upstream.
 * @throws `PROXY_CONFIG` a secret of the owner that could be guessed
 */
export function createProxy(options: ProxyOptions): (request: Request) => Promise<Response> {
  return createSharedProxy(options)
}

/** {@link createProxy} for several users. */
export function createSharedProxy(options: SharedProxyOptions): ProxyHandler {
  const { apiKey, app: hasApp = false, admission, observe, isShared = false } = options
  const owner = options.owner && { ...options.owner, secret: ownerSecret(options.owner) }
  const guard: Guard = {
    hosts: new Set([...options.hosts].map((host) => host.toLowerCase())),
    origins: new Set(options.origins),
    hasPages: hasApp,
  }
  // A request has one authorization: whoever may act for the owner may use the proxy as well.
  const secrets = apiKey === undefined ? undefined : [hashSecret(apiKey), ...(owner ? [owner.secret] : [])]
  const authenticate = options.authenticate ?? (secrets ? bySecrets(secrets) : () => ANYBODY)
  const desk: Desk = { sotto: options.sotto, owner, hasApp, isShared }

  return async function proxy(request, peer = NO_PEER) {
    const { pathname } = new URL(request.url)
    const sighting = observe?.(routeOf(pathname, hasApp))
    const response = withRequestId(await unlessGone(request, await attend(request, peer)))
    for (const [name, value] of corsHeaders(guard, request)) response.headers.set(name, value)
    return sighting ? sighting.answered(response) : response

    async function attend(request: Request, peer: Peer): Promise<Response> {
      const refusal = refuse(guard, request)
      if (refusal !== undefined) return refusal
      if (isPreflight(request)) return preflight()
      if (pathname === '/healthz') return answer(desk, request)
      const caller = authenticate(request, peer)
      if (caller instanceof Response) return hasApp && isAppPath(pathname) ? askForPassword(caller) : caller
      sighting?.caller(caller.user)
      // What is answered here takes nothing of what is shared.
      return isLocalPath(pathname) ? answer(desk, request) : admitted(caller, request)
    }
  }

  async function admitted(caller: Caller, request: Request): Promise<Response> {
    if (admission === undefined) return answer(desk, request)
    let leave: Awaited<ReturnType<Admission['enter']>>
    try {
      leave = await admission.enter(caller, request.signal)
    } catch (error) {
      // Nobody reads it: the caller has left.
      return errorResponse(error)
    }
    if (typeof leave !== 'function') return tooMany(leave)
    try {
      return heldUntilOver(await answer(desk, request), leave)
    } catch (error) {
      leave()
      throw error
    }
  }
}

/** What requests are answered with. */
interface Desk {
  sotto: ProxyOptions['sotto']
  owner: (Omit<ProxyOwner, 'secret'> & { secret: Uint8Array }) | undefined
  hasApp: boolean
  isShared: boolean
}

async function answer({ sotto, owner, hasApp, isShared }: Desk, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  const local = answerLocally(request, sotto, isShared)
  if (local !== undefined) return local
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
    if (azure === undefined && hasApp && isAppPath(pathname)) return await askApp(sotto, request)
    if (azure === undefined) return envelope(404, 'not_found', 'there is nothing at this path', 'fix-input')
    if (request.method !== 'POST') return notAllowed()
    const { body, contentType } = await setModel(request, azure.model)
    return await forward(sotto, request, azure.path, body, contentType)
  } catch (error) {
    return errorResponse(error)
  }
}

function forward(
  sotto: ProxyOptions['sotto'],
  request: Request,
  path: string,
  body: Onward['body'],
  contentType?: string,
): Promise<Response> {
  const { method } = request
  return sendInner(sotto, request, {
    origin: INNER_ORIGIN,
    path,
    method,
    body,
    ...(contentType !== undefined && { contentType }),
  })
}

const REFUSALS: Readonly<Record<AdmissionRefused['refused'], [number, string, string]>> = {
  rate: [429, 'rate_limit_exceeded', 'this user has sent as many requests as it may in a minute'],
  concurrent: [429, 'concurrency_limit_exceeded', 'this user has as many requests under way as it may'],
  busy: [503, 'sotto_proxy_busy', 'the proxy has as many requests under way as it may, and as many wait'],
}

function tooMany({ refused, retryAfterSeconds }: AdmissionRefused): Response {
  const [status, code, message] = REFUSALS[refused]
  return comeBackLater(status, code, message, retryAfterSeconds)
}

/** A browser asks its user for the key then, as the password to any name (RFC 7617). */
function askForPassword(refusal: Response): Response {
  if (refusal.status === 401) refusal.headers.set('www-authenticate', 'Basic realm="sotto", charset="UTF-8"')
  return refusal
}

/** For whoever has left nothing has failed: what was made of it is dropped. 499 is what nginx counts then. */
async function unlessGone({ signal }: Request, response: Response): Promise<Response> {
  if (!signal.aborted) return response
  await response.body?.cancel().catch(() => {})
  return new Response(null, { status: 499 })
}

/** Leaves when the answer is over. */
function heldUntilOver(response: Response, leave: () => void): Response {
  if (problemOf(response) === undefined) return followResponse(response, leave)
  // An error is whole already.
  leave()
  return response
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
