import { utf8 } from '@sotto/protocol/bytes'
import { mediaType, pageHeaders } from './headers.ts'
import { CONFIG_FILE, digestOf, INDEX_FILE, MANIFEST_FILE } from './manifest.ts'
import type { LoadedPages } from './pages.ts'

/** What `console.json` says: which service the page is for, and by which rules it judges it. */
export interface ServedConfig {
  relay: string
  gateway: string
  /** A trust policy. */
  policy: object
}

/** Options of {@link createHandler}. */
export interface HandlerOptions {
  pages: LoadedPages
  config: ServedConfig
  /** Accepted `Host` values with port: what else comes here followed a name that somebody turned to this machine. */
  hosts: Iterable<string>
}

interface Served {
  body: Uint8Array<ArrayBuffer>
  type: string
  etag: string
}

/** Who serves, for people who look; the page goes by its address, which no server can choose (T21). */
const SERVED_BY = 'this computer'

/**
 * Answers with the pages, from memory, to programs of this machine. Nothing is written, nothing is sent on.
 * @throws `CLI_USAGE` for a relay that is no address
 */
export function createHandler({ pages, config, hosts }: HandlerOptions): (request: Request) => Response {
  const strict = pageHeaders(config.relay)
  const allowed = new Set(hosts)
  const files = new Map<string, Served>()
  for (const [name, bytes] of pages.files) files.set(`/${name}`, served(name, bytes))
  files.set('/', files.get(`/${INDEX_FILE}`)!)
  files.set(`/${MANIFEST_FILE}`, served(MANIFEST_FILE, utf8(pages.manifest)))
  const text = JSON.stringify({ servedBy: SERVED_BY, ...config })
  files.set(`/${CONFIG_FILE}`, served(CONFIG_FILE, utf8(text)))

  return function answer(request) {
    const refuse = (status: number, why: string, more: Record<string, string> = {}): Response =>
      new Response(`${why}\n`, { status, headers: { ...strict, 'cache-control': 'no-store', ...more } })
    const { host, pathname } = new URL(request.url)
    if (!allowed.has(host)) return refuse(403, 'this Host is not served here')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(405, 'pages are only read here', { allow: 'GET, HEAD' })
    const file = files.get(pathname)
    if (file === undefined) return refuse(404, 'there is no such page')
    const headers = {
      ...strict,
      'content-type': file.type,
      'content-length': `${file.body.length}`,
      etag: file.etag,
      // Asked for again each time: after an update nobody runs yesterday's page.
      'cache-control': pathname === `/${CONFIG_FILE}` ? 'no-store' : 'no-cache',
    }
    if (request.headers.get('if-none-match') === file.etag)
      return new Response(null, { status: 304, headers })
    return new Response(request.method === 'HEAD' ? null : file.body, { headers })
  }
}

function served(name: string, bytes: Uint8Array): Served {
  return { body: new Uint8Array(bytes), type: mediaType(name), etag: `"${digestOf(bytes)}"` }
}
