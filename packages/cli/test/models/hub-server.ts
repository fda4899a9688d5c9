import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fixtureFolder } from '../../../enclave/test/engines/fixtures/read.ts'

/** The commit that catalogue entries of tests pin. */
export const COMMIT = 'c0ffee'.padEnd(40, '0')

/** Files of repositories, by `owner/name` and path. */
export type Repositories = Record<string, Record<string, Uint8Array>>

/** What a test makes the hub do wrong. All off by default. */
export interface HubKnobs {
  /** Ends the connection after so many bytes of this file, as often as `times` says. */
  cut?: { path: string; after: number; times: number }
  /** Sends so many bytes and then nothing, the connection open. */
  hang?: { path: string; after: number }
  /** Bytes sent in the place of a file. */
  lie?: { path: string; bytes: Uint8Array }
  ignoresRange?: boolean
  /** Tag of every file, and the bytes a range begins with whatever was asked for. */
  etag?: string
  rangeStart?: number
  /** Answers every range with 416. */
  refusesRange?: boolean
  /** A web page in the place of every file, as networks with a sign-in page send it. */
  page?: boolean
  /** Status of every answer. */
  status?: number
  /** Body of the listing. */
  tree?: string
  /** Entries of one page of the listing. */
  pageSize?: number
}

/** A server with the API of Hugging Face. */
export interface HubServer {
  url: string
  knobs: HubKnobs
  /** `path` or `path range`, of the files only. */
  served: string[]
  /** `if-range` of the requests for files. */
  conditions: (string | undefined)[]
  tokens: (string | undefined)[]
  close(): void
}

/** Starts one. Large files lie on "another server": their address redirects, as on the real hub. */
export async function startHub(repositories: Repositories): Promise<HubServer> {
  const knobs: HubKnobs = {}
  const served: string[] = []
  const conditions: (string | undefined)[] = []
  const tokens: (string | undefined)[] = []
  const server = createServer((request, response) => {
    tokens.push(request.headers.authorization)
    if (knobs.status !== undefined) return void response.writeHead(knobs.status).end()
    const url = new URL(request.url!, 'http://hub.test')
    const tree = /^\/api\/models\/(.+?)\/tree\/([^/]+)$/.exec(url.pathname)
    const file = /^\/(.+?)\/(resolve|store)\/([^/]+)\/(.+)$/.exec(url.pathname)
    const revision = decodeURIComponent(tree?.[2] ?? file?.[3] ?? '')
    const repository = repositories[tree?.[1] ?? file?.[1] ?? '']
    if (!repository || !['main', 'refs/pr/1', COMMIT].includes(revision))
      return void response.writeHead(404).end()
    if (tree) return sendTree(repository, url, response, knobs)
    const path = decodeURIComponent(file![4]!)
    const bytes = repository[path]
    if (!bytes) return void response.writeHead(404).end()
    if (file![2] === 'resolve' && isLarge(path))
      return void response.writeHead(302, { location: url.pathname.replace('/resolve/', '/store/') }).end()
    const { range } = request.headers
    conditions.push(request.headers['if-range'] as string | undefined)
    served.push(range === undefined ? path : `${path} ${range}`)
    return sendFile(path, knobs.lie?.path === path ? knobs.lie.bytes : bytes, request, response, knobs)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    knobs,
    served,
    conditions,
    tokens,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A fixture model as a repository, its graphs in `onnx/` as most exports have them. */
export function fixtureRepository(model: string): Record<string, Uint8Array> {
  const folder = fixtureFolder(model)
  const files = readdirSync(folder).filter((name) => name !== 'expected.json')
  return Object.fromEntries(
    files.map((name) => [name.endsWith('.onnx') ? `onnx/${name}` : name, readFileSync(`${folder}/${name}`)]),
  )
}

function isLarge(path: string): boolean {
  return /\.(onnx|onnx_data|gguf)$/.test(path)
}

function sendTree(
  repository: Record<string, Uint8Array>,
  url: URL,
  response: ServerResponse,
  knobs: HubKnobs,
): void {
  const entries = Object.entries(repository).map(([path, bytes]) => {
    const git = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
    const lfs = { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
    return { type: 'file', path, size: bytes.length, oid: git, ...(isLarge(path) && { lfs }) }
  })
  const all = [{ type: 'directory', oid: '0'.repeat(40), size: 0, path: 'onnx' }, ...entries]
  const start = Number(url.searchParams.get('cursor') ?? 0)
  const end = start + (knobs.pageSize ?? all.length)
  if (end < all.length)
    response.setHeader('link', `<${url.pathname}?recursive=true&cursor=${end}>; rel="next"`)
  response.setHeader('content-type', 'application/json')
  response.end(knobs.tree ?? JSON.stringify(all.slice(start, end)))
}

function sendFile(
  path: string,
  bytes: Uint8Array,
  { headers }: IncomingMessage,
  response: ServerResponse,
  knobs: HubKnobs,
): void {
  if (knobs.page)
    return void response.setHeader('content-type', 'text/html').end('<html>Welcome to our Wi-Fi</html>')
  const asked = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
  if (asked > 0 && knobs.refusesRange) return void response.writeHead(416).end()
  const isOther = headers['if-range'] !== undefined && headers['if-range'] !== knobs.etag
  const start = knobs.ignoresRange || isOther ? 0 : asked > 0 ? (knobs.rangeStart ?? asked) : 0
  if (knobs.etag !== undefined) response.setHeader('etag', knobs.etag)
  const rest = bytes.subarray(start)
  response.setHeader('content-length', rest.length)
  if (start > 0)
    response.writeHead(206, { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` })
  const { cut, hang } = knobs
  if (hang?.path === path) return void response.write(rest.subarray(0, hang.after))
  if (cut?.path !== path || cut.times === 0) return void response.end(rest)
  cut.times--
  response.write(rest.subarray(0, cut.after), () => setTimeout(() => response.destroy(), 100))
}
