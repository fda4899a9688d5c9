import { isIP } from 'node:net'
import { cliError } from '../../errors.ts'
import { isAbort } from '../../framework/index.ts'
import { type Challenge, parseChallenge } from './challenge.ts'
import type { RegistryCredentials } from './credentials.ts'
import type { ImageReference } from './reference.ts'

/** How to reach a registry. */
export interface RegistryOptions {
  reference: Pick<ImageReference, 'registry' | 'repository'>
  fetch: typeof globalThis.fetch
  signal: AbortSignal
  credentials?: RegistryCredentials | undefined
  /** What tokens are asked for. Default: to pull. */
  actions?: 'pull' | 'pull,push'
}

/** One request. */
export interface RegistryRequest {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH'
  headers?: Readonly<Record<string, string>>
  /** Called for every attempt: a body that streams is sent twice where a token was too old. */
  body?: () => BodyInit | undefined
  signal?: AbortSignal
  /** Statuses that are answers; all others are refusals. */
  accept: readonly number[]
}

/** A repository of a registry (OCI distribution-spec 1.1). */
export interface Registry {
  readonly host: string
  /** Sends a request to a path below `/v2/REPOSITORY/`, or to where an earlier answer pointed. @throws `REGISTRY_FAILED`, `CLI_AUTH`, `IMAGE_REFERENCE` */
  request(target: string | URL, request: RegistryRequest): Promise<Response>
  /** An address that an answer named. @throws `REGISTRY_FAILED` where nothing may be sent to it */
  locate(text: string | null): URL
}

const MAX_REDIRECTS = 5
const MAX_TOKEN_BYTES = 64 * 1024
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * A client of one repository. TLS always, but for a registry of this machine; a token or password goes to the registry and to
 * the realm it names itself, never along a redirect to another host, nor to a realm that the other host names.
 */
export function openRegistry(options: RegistryOptions): Registry {
  const { reference, fetch, credentials, actions = 'pull' } = options
  const { registry, repository } = reference
  const isLocal = isLoopback(registry)
  const base = new URL(`${isLocal ? 'http' : 'https'}://${registry}/v2/${repository}/`)
  let authorization: string | undefined

  async function send(target: URL, request: RegistryRequest): Promise<Response> {
    const { method = 'GET', headers = {}, body } = request
    const signal = request.signal ?? options.signal
    let url = target
    for (let hop = 0; ; hop++) {
      const mayKnow = url.origin === base.origin
      const all: Record<string, string> = { 'accept-encoding': 'identity', ...headers }
      if (mayKnow && authorization !== undefined) all['authorization'] = authorization
      const content = body?.()
      let response: Response
      try {
        response = await fetch(url, {
          method,
          headers: all,
          redirect: 'manual',
          signal,
          ...(content !== undefined && { body: content, duplex: 'half' }),
        } as RequestInit)
      } catch (cause) {
        if (isAbort(cause) || signal.aborted) throw cause
        throw cliError('REGISTRY_FAILED', `cannot reach ${url.host}`, { cause, hint: 'try again' })
      }
      // The registry has not named this realm: a password would go wherever another host says.
      if (response.status === 401 && !mayKnow) {
        await response.body?.cancel()
        throw cliError('REGISTRY_FAILED', `${registry} leads to another host, which wants credentials`, {
          expected: `no challenge but that of ${base.host}`,
          found: `status 401 of ${url.host}`,
        })
      }
      const isReading = method === 'GET' || method === 'HEAD'
      if (!REDIRECTS.has(response.status) || !isReading) return response
      await response.body?.cancel()
      if (hop === MAX_REDIRECTS) throw cliError('REGISTRY_FAILED', `${url.host} redirects without end`)
      url = locate(response.headers.get('location'), url)
    }
  }

  function locate(text: string | null, from: URL = base): URL {
    const url = text === null ? null : URL.parse(text, from)
    if (url !== null && isAllowed(url)) return url
    throw cliError('REGISTRY_FAILED', `${from.host} points at an address that nothing is sent to`, {
      expected: isLocal ? 'https, or http on this machine' : 'https',
      found: url?.origin ?? 'no address',
    })
  }

  const isAllowed = (url: URL): boolean =>
    url.username === '' &&
    url.password === '' &&
    (url.protocol === 'https:' || (isLocal && url.protocol === 'http:' && isLoopback(url.host)))

  async function authorize(challenge: Challenge): Promise<string> {
    const basic =
      credentials &&
      `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
    if (challenge.scheme === 'basic') {
      if (basic !== undefined) return basic
      throw unauthorized(registry, 'no credentials')
    }
    const realm = locate(challenge.realm)
    if (challenge.service !== undefined) realm.searchParams.set('service', challenge.service)
    // What is asked for is ours to say: a registry could have a token made for another repository.
    realm.searchParams.set('scope', `repository:${repository}:${actions}`)
    let response: Response
    try {
      response = await fetch(realm, {
        headers: basic === undefined ? {} : { authorization: basic },
        redirect: 'error',
        signal: options.signal,
      })
    } catch (cause) {
      if (isAbort(cause) || options.signal.aborted) throw cause
      throw cliError('REGISTRY_FAILED', `cannot reach ${realm.host} for a token`, { hint: 'try again' })
    }
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel()
      throw unauthorized(registry, `status ${response.status} for a token`)
    }
    const token = response.ok
      ? parseToken(await readBounded(response, MAX_TOKEN_BYTES, realm.host))
      : undefined
    if (token !== undefined) return `Bearer ${token}`
    await response.body?.cancel()
    throw cliError('REGISTRY_FAILED', `${realm.host} gives no token`, { found: `status ${response.status}` })
  }

  return {
    host: registry,
    locate: (text) => locate(text),
    async request(target, request) {
      const url = typeof target === 'string' ? new URL(target, base) : target
      let response = await send(url, request)
      if (response.status === 401) {
        const challenge = parseChallenge(response.headers.get('www-authenticate'))
        await response.body?.cancel()
        if (challenge === undefined) throw unauthorized(registry, 'a challenge that is not known here')
        authorization = await authorize(challenge)
        response = await send(url, request)
      }
      if (request.accept.includes(response.status)) return response
      await response.body?.cancel()
      throw refused(response.status, registry, repository)
    },
  }
}

/** All of a small answer. @throws `REGISTRY_FAILED` where it is longer, or cut */
export async function readBounded(response: Response, maxBytes: number, host: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      if (bytes > maxBytes) break
      parts.push(chunk)
    }
  } catch (cause) {
    if (isAbort(cause)) throw cause
    throw cliError('REGISTRY_FAILED', `the answer of ${host} was cut`, { cause, hint: 'try again' })
  }
  if (bytes <= maxBytes) return Buffer.concat(parts)
  throw cliError('REGISTRY_FAILED', `the answer of ${host} is too long`, {
    expected: `${maxBytes} bytes at most`,
  })
}

/** Whether a host, with or without a port, is this machine. */
function isLoopback(host: string): boolean {
  const name = host.replace(/:[0-9]+$/, '')
  return name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'))
}

function parseToken(bytes: Uint8Array): string | undefined {
  try {
    const { token, access_token: other } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<
      string,
      unknown
    >
    const found = token ?? other
    // A header takes nothing else.
    return typeof found === 'string' && /^[\x21-\x7e]{1,32768}$/.test(found) ? found : undefined
  } catch {
    return undefined
  }
}

function unauthorized(registry: string, found: string): Error {
  return cliError('CLI_AUTH', `${registry} wants credentials`, {
    found,
    hint: `docker login ${registry} keeps them where this command looks; check the name of the image too`,
  })
}

function refused(status: number, registry: string, repository: string): Error {
  const found = `status ${status}`
  if (status === 401 || status === 403) return unauthorized(registry, found)
  if (status === 404)
    return cliError('IMAGE_REFERENCE', `${registry} has no such image of ${repository}`, { found })
  return cliError('REGISTRY_FAILED', `${registry} failed`, { found, hint: 'try again' })
}
