import { fromUtf8 } from '@sotto/protocol/bytes'
import { type ErrorAction, SottoError } from '@sotto/protocol/errors'
import { readBody } from '@sotto/serve/limits'
import { ASK_ANOTHER } from '../../release/kms-client.ts'
import { askReplicas } from '../../release/replicas.ts'

const TIMEOUT_MS = 60_000
const MAX_MESSAGE = 512
const JSON_TYPE = { 'content-type': 'application/json' }

/** One request to registry, KMS, board or room. */
export interface PassedRequest {
  method: string
  path: string
  body?: Uint8Array | string
  headers?: Record<string, string>
  maxAnswerBytes: number
  signal: AbortSignal
}

/** What whoever was asked said no with: their own code, action and status. */
export class UpstreamRefusal extends SottoError {
  readonly status: number
  /** Headers that the owner's program goes on by. */
  readonly headers: Record<string, string>

  constructor(
    status: number,
    headers: Record<string, string>,
    { code, action, message }: { code: string; action: ErrorAction; message: string },
  ) {
    super(code, action, message)
    this.status = status
    this.headers = headers
  }
}

/** What whoever was asked said yes with. */
export interface PassedAnswer {
  bytes: Uint8Array
  /** Header `upload-offset`. */
  offset: string | undefined
  /** Header `content-range`, of a part of a file. */
  range?: string
}

/** Asks the first of several that answers; which of them does changes nothing that anybody trusts. */
export type Upstream = (request: PassedRequest) => Promise<PassedAnswer>

/** Makes an {@link Upstream}. Its refusals keep their codes; a silent one is `API_UPSTREAM`. */
export function createUpstream(
  urls: readonly string[],
  unreachable: () => SottoError,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Upstream {
  const askInTurn = askReplicas(urls.map((url) => url.replace(/\/+$/, '')))
  return (request) =>
    askInTurn(
      (url) => ask(url, request, unreachable, fetch),
      (error) => !request.signal.aborted && isForAnother(error),
    )
}

function isForAnother(error: unknown): boolean {
  return error instanceof UpstreamRefusal ? ASK_ANOTHER.includes(error.code) : error instanceof SottoError
}

async function ask(
  url: string,
  { method, path, body, headers, maxAnswerBytes, signal }: PassedRequest,
  unreachable: () => SottoError,
  fetch: typeof globalThis.fetch,
): Promise<PassedAnswer> {
  let response: Response
  let bytes: Uint8Array
  try {
    response = await fetch(`${url}${path}`, {
      method,
      ...(body !== undefined && { body: body as BodyInit }),
      headers: { ...JSON_TYPE, ...headers },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    bytes = await readBody(response, maxAnswerBytes)
  } catch {
    throw unreachable()
  }
  const known = headerOf(response, 'upload-offset', /^\d{1,15}$/)
  const range = headerOf(response, 'content-range', /^bytes \d{1,15}-\d{1,15}\/\d{1,15}$/)
  if (response.ok) return { bytes, offset: known, ...(range !== undefined && { range }) }
  const refusal = refusalIn(bytes)
  if (refusal === undefined || response.status < 400) throw unreachable()
  throw new UpstreamRefusal(response.status, known === undefined ? {} : { 'upload-offset': known }, refusal)
}

/** A header that looks as it should: it goes on to whoever asked. */
function headerOf({ headers }: Response, name: string, pattern: RegExp): string | undefined {
  const value = headers.get(name)
  return value !== null && pattern.test(value) ? value : undefined
}

/** A refusal in the form that all our roles use. Its words are for the owner; they are bounded, and on one line. */
function refusalIn(bytes: Uint8Array): { code: string; action: ErrorAction; message: string } | undefined {
  try {
    const { error } = JSON.parse(fromUtf8(bytes)) as { error?: Record<string, unknown> }
    const { code, action, message } = error ?? {}
    if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{0,63}$/.test(code)) return undefined
    return {
      code,
      action: action === 'retry' || action === 'stop' ? action : 'fix-input',
      message: String(message)
        .replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ')
        .slice(0, MAX_MESSAGE),
    }
  } catch {
    return undefined
  }
}
