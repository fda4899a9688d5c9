import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How a test's registry behaves. */
export interface RegistryBehaviour {
  /** What a request has to show. */
  auth?: 'bearer' | 'basic'
  /** Blobs are given by another server, to which this one redirects. */
  redirectBlobs?: boolean
  /** Called before anything is answered; true when it answered. */
  intercept?(request: IncomingMessage, response: ServerResponse, path: string): boolean
}

/** A registry in memory, and what was asked of it. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`. */
  host: string
  blobs: Map<string, Uint8Array>
  manifests: Map<string, { type: string; bytes: Uint8Array }>
  /** `METHOD PATH`, in order. */
  requests: string[]
  /** Authorization headers by host and path. */
  authorizations: { host: string; path: string; value: string | undefined }[]
  behaviour: RegistryBehaviour
  close(): Promise<void>
}

export const USER = { username: 'ada', password: 'correct horse' }
const BASIC = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString('base64')}`
const TOKEN = 'a-token'

/** Name of some bytes. */
export function digestOf(bytes: Uint8Array): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Starts a registry of this machine with a store beside it. */
export async function startRegistry(behaviour: RegistryBehaviour = {}): Promise<TestRegistry> {
  const blobs = new Map<string, Uint8Array>()
  const manifests = new Map<string, { type: string; bytes: Uint8Array }>()
  const requests: string[] = []
  const authorizations: TestRegistry['authorizations'] = []
  let storeHost = ''

  const answer = (
    response: ServerResponse,
    status: number,
    body: Uint8Array | string = '',
    headers = {},
  ): void => {
    response.writeHead(status, headers).end(body)
  }
  const sendBlob = (request: IncomingMessage, response: ServerResponse, digest: string): void => {
    const bytes = blobs.get(digest)
    if (bytes === undefined) return answer(response, 404)
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const rest = bytes.subarray(start)
    const range = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}
    const headers = { 'content-length': rest.length, etag: `"${digest}"`, ...range }
    response.writeHead(start > 0 ? 206 : 200, headers).end(request.method === 'HEAD' ? undefined : rest)
  }

  const store = createServer((request, response) => {
    authorizations.push({ host: 'store', path: request.url ?? '', value: request.headers.authorization })
    sendBlob(request, response, decodeURIComponent((request.url ?? '').slice(1)))
  })

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://registry')
    const { pathname: path } = url
    requests.push(`${request.method} ${path}`)
    authorizations.push({ host: 'registry', path, value: request.headers.authorization })
    if (registry.behaviour.intercept?.(request, response, path) === true) return
    if (path === '/token')
      return answer(
        response,
        request.headers.authorization === BASIC ? 200 : 401,
        JSON.stringify({ token: TOKEN }),
      )
    const wanted = { bearer: `Bearer ${TOKEN}`, basic: BASIC }
    const { auth } = registry.behaviour
    if (auth !== undefined && request.headers.authorization !== wanted[auth]) {
      const challenge =
        auth === 'basic'
          ? 'Basic realm="r"'
          : `Bearer realm="http://${registry.host}/token",service="s",scope="x"`
      return answer(response, 401, '', { 'www-authenticate': challenge })
    }
    const [, kind, name = ''] = /^\/v2\/team\/app\/(blobs|manifests)\/(.*)$/.exec(path) ?? []
    if (kind === undefined) return answer(response, 404)
    const body: Uint8Array[] = []
    request.on('data', (chunk: Buffer) => body.push(chunk))
    request.on('end', () => {
      const bytes = Buffer.concat(body)
      if (kind === 'manifests' && request.method === 'PUT') {
        const type = request.headers['content-type'] ?? ''
        for (const key of [name, digestOf(bytes)]) manifests.set(key, { type, bytes })
        return answer(response, 201, '', { 'docker-content-digest': digestOf(bytes) })
      }
      if (kind === 'manifests') {
        const found = manifests.get(name)
        return found
          ? answer(response, 200, found.bytes, { 'content-type': found.type })
          : answer(response, 404)
      }
      if (request.method === 'POST')
        return answer(response, 202, '', { location: '/v2/team/app/blobs/uploads/1?state=x' })
      if (request.method === 'PUT') {
        const digest = digestOf(bytes)
        if (digest !== url.searchParams.get('digest')) return answer(response, 400)
        blobs.set(digest, bytes)
        return answer(response, 201, '', { 'docker-content-digest': digest })
      }
      if (registry.behaviour.redirectBlobs === true && request.method === 'GET')
        return answer(response, 307, '', { location: `http://${storeHost}/${encodeURIComponent(name)}` })
      sendBlob(request, response, name)
    })
  })
  const listen = async (each: typeof server): Promise<string> => {
    await new Promise<void>((done) => each.listen(0, '127.0.0.1', done))
    return `127.0.0.1:${(each.address() as AddressInfo).port}`
  }
  const registry: TestRegistry = {
    host: await listen(server),
    blobs,
    manifests,
    requests,
    authorizations,
    behaviour,
    async close() {
      for (const each of [server, store]) {
        each.closeAllConnections()
        await new Promise((done) => each.close(done))
      }
    },
  }
  storeHost = await listen(store)
  return registry
}
