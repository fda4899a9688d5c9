import { isIP } from 'node:net'
import { cliError } from '../errors.ts'
import { isAbort } from '../framework/index.ts'

/** A file as the hub lists it. The hub controls all of it; the digests say what its bytes must be. */
export interface HubFile {
  /** Path inside the repository. */
  path: string
  /** Bytes. */
  size: number
  /** SHA-256 of large files (stored by LFS), git blob id (SHA-1) of all others; lower-case hexadecimal. */
  digest: { kind: 'sha256' | 'git'; hex: string }
}

/** A repository of models at one revision. */
export interface Hub {
  /** For people: where the model comes from. */
  readonly origin: string
  /** All files. @throws `CLI_HUB`, `CLI_MODEL`, `CLI_AUTH` */
  list(signal: AbortSignal): Promise<HubFile[]>
  /**
   * The content from byte `start` on; the answer says by its status whether it begins there (206), at the front (200),
   * or the file is not that long (416). With `etag`, at the front too when it is no longer the file of that tag.
   * @throws `CLI_HUB`, `CLI_MODEL`, `CLI_AUTH`
   */
  open(path: string, start: number, signal: AbortSignal, etag?: string): Promise<Response>
}

/** How to reach a hub. */
export interface HubOptions {
  /** `https://huggingface.co` or another that speaks its API. */
  url: string
  /** `owner/name`. */
  repository: string
  /** Branch, tag or commit. */
  revision: string
  /** Bearer token, sent to the hub itself only. */
  token?: string
  fetch: typeof globalThis.fetch
}

/** Pages of a listing, and bytes and entries of one page at most: real repositories have one page. */
const MAX_PAGES = 20
const MAX_PAGE_BYTES = 8 * 1024 * 1024

/** A hub that speaks the API of Hugging Face: `/api/models/REPO/tree/REV` and `/REPO/resolve/REV/PATH`. */
export function openHub({ url, repository, revision, token, fetch }: HubOptions): Hub {
  const base = parseHubUrl(url)
  const rev = encodeURIComponent(revision)
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  const get = async (
    target: URL,
    signal: AbortSignal,
    more: Record<string, string> = {},
  ): Promise<Response> => {
    let response: Response
    try {
      // `fetch` drops the token itself when a redirect leaves the hub.
      response = await fetch(target, { headers: { ...headers, ...more }, signal })
    } catch (cause) {
      if (isAbort(cause) || signal.aborted) throw cause
      throw unreachable(base, cause)
    }
    const isPage = /^text\/html\b/i.test(response.headers.get('content-type') ?? '')
    if (response.ok && !isPage) return response
    if (response.status === 416 && more['range'] !== undefined) return response
    await response.body?.cancel()
    if (response.ok) throw webPage(base)
    throw refused(response.status, base, repository, revision)
  }
  return {
    origin: `${base.origin}/${repository}`,
    async list(signal) {
      const files: HubFile[] = []
      let next: URL | undefined = new URL(`api/models/${repository}/tree/${rev}?recursive=true`, base)
      for (let page = 0; next !== undefined; page++) {
        if (page === MAX_PAGES) throw cliError('CLI_MODEL', 'the repository has too many files')
        const response = await get(next, signal)
        files.push(...parseTree(await readText(response, base)))
        next = nextPage(response, next)
      }
      return files
    },
    open(path, start, signal, etag) {
      const steps = path.split('/').map(encodeURIComponent).join('/')
      const range: Record<string, string> =
        start === 0 ? {} : { range: `bytes=${start}-`, ...(etag !== undefined && { 'if-range': etag }) }
      return get(new URL(`${repository}/resolve/${rev}/${steps}`, base), signal, range)
    },
  }
}

/** Base address with one slash at its end. @throws `CLI_USAGE` */
export function parseHubUrl(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`)
  const isLocal = url !== null && (url.hostname === 'localhost' || isLoopback(url.hostname))
  // Over plain HTTP anybody on the way could choose both the weights and the digests they are checked by.
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)))
    throw cliError('CLI_USAGE', 'the hub must be an https address (http on this machine only)', {
      found: text,
    })
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw cliError('CLI_USAGE', 'the hub must be an address without credentials, query or fragment')
  return url
}

function isLoopback(host: string): boolean {
  return host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Untrusted: the listing decides what is downloaded, so its paths and digests are checked one by one. */
function parseTree(text: string): HubFile[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw cliError('CLI_HUB', 'the hub answered with something that is not a listing', { cause })
  }
  if (!Array.isArray(value))
    throw cliError('CLI_HUB', 'the hub answered with something that is not a listing')
  return value.flatMap((entry: unknown) => {
    const { type, path, size, oid, lfs } = (entry ?? {}) as Record<string, unknown>
    if (type !== 'file') return []
    const sha256 = (lfs as { oid?: unknown } | undefined)?.oid
    const digest =
      sha256 === undefined ? ({ kind: 'git', hex: oid } as const) : ({ kind: 'sha256', hex: sha256 } as const)
    const length = digest.kind === 'git' ? 40 : 64
    const isDigest = typeof digest.hex === 'string' && new RegExp(`^[0-9a-f]{${length}}$`).test(digest.hex)
    if (typeof path !== 'string' || !Number.isSafeInteger(size) || (size as number) < 0 || !isDigest)
      throw cliError('CLI_HUB', 'the hub lists a file without path, size or digest')
    return [{ path, size: size as number, digest: { kind: digest.kind, hex: digest.hex as string } }]
  })
}

async function readText(response: Response, base: URL): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      if (bytes > MAX_PAGE_BYTES) throw cliError('CLI_MODEL', 'the listing of the repository is too large')
      parts.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof TypeError) throw unreachable(base, cause)
    throw cause
  }
  return Buffer.concat(parts).toString('utf8')
}

function nextPage(response: Response, current: URL): URL | undefined {
  const target = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
  const next = target === undefined ? null : URL.parse(target, current)
  // A page elsewhere would receive the token.
  return next === null || next.origin !== current.origin ? undefined : next
}

function unreachable(base: URL, cause: unknown): Error {
  return cliError('CLI_HUB', `cannot reach ${base.host}`, {
    cause,
    hint: 'pulling needs the internet, or a mirror named by --hub; the default models need neither: sotto up',
  })
}

function webPage(base: URL): Error {
  return cliError('CLI_HUB', `${base.host} answered with a web page`, {
    hint: 'a sign-in page of the network or a proxy may stand between: look at the address in a browser, then pull again',
  })
}

function refused(status: number, base: URL, repository: string, revision: string): Error {
  const found = `status ${status}`
  if (status === 401 || status === 403)
    return cliError('CLI_AUTH', `${base.host} does not give ${repository} to everybody`, {
      found,
      hint: 'check the name; for a gated model accept its terms on the hub and set HF_TOKEN',
    })
  if (status === 404)
    return cliError('CLI_MODEL', `${base.host} has no ${repository} at ${revision}`, {
      found,
      hint: 'check owner, name and @REVISION',
    })
  return cliError('CLI_HUB', `${base.host} failed`, {
    found,
    hint: 'pull again; what is here already is kept',
  })
}
