import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseStrictJson } from '@sotto/protocol/jcs'
import { collectError } from './errors.ts'

/**
 * Azure's Trusted Hardware Identity Management, on the metadata address of every virtual machine:
 * https://learn.microsoft.com/azure/security/fundamentals/trusted-hardware-identity-management
 */
const CERTIFICATION = 'http://169.254.169.254/metadata/THIM/amd/certification'
const TD_QUOTE = 'http://169.254.169.254/acc/tdquote'
const TD_REPORT_BYTES = 1024
const MAX_QUOTE_BYTES = 65_536
const MAX_ANSWER_BYTES = 131_072
const DEFAULT_TIMEOUT_MS = 10_000
/** Too many requests, and every error of the server: the same request may succeed later. */
const isPassing = (status: number): boolean => status === 429 || status >= 500

/** The platform's `fetch`, or a test's. */
export type Fetch = typeof fetch

/** How the metadata service is reached. */
export interface ThimOptions {
  /** Default the platform's. */
  fetch?: Fetch
  /** Milliseconds. Default 10000. */
  timeoutMs?: number
}

/** Certificates of the processor that this virtual machine runs on; untrusted, as the host gives them. */
export interface ThimCertificates {
  /** PEM. */
  vcek: string
  /** PEM: ASK, ARK. */
  chain: string
}

/** Certificate of the chip and its chain, for the TCB that reports name now. @throws `COLLECT_*` */
export async function fetchAmdCertification(options: ThimOptions = {}): Promise<ThimCertificates> {
  const answer = await ask(CERTIFICATION, { method: 'GET' }, options)
  return { vcek: textOf(answer, 'vcekCert'), chain: textOf(answer, 'certificateChain') }
}

/**
 * Has Intel's quoting enclave on the host make a quote of a TDREPORT.
 *
 * @param report 1024 bytes
 * @throws `COLLECT_*`
 */
export async function fetchTdQuote(report: Uint8Array, options: ThimOptions = {}): Promise<Uint8Array> {
  if (report.length !== TD_REPORT_BYTES)
    throw collectError('COLLECT_INPUT', 'the TDREPORT has another length', {
      expected: `${TD_REPORT_BYTES} bytes`,
      found: `${report.length}`,
    })
  const body = utf8(JSON.stringify({ report: toBase64Url(report) }))
  const answer = await ask(TD_QUOTE, { method: 'POST', body: new Uint8Array(body) }, options)
  const text = textOf(answer, 'quote').replace(/={1,2}$/, '')
  const quote = decodeQuote(text)
  if (quote.length === 0 || quote.length > MAX_QUOTE_BYTES)
    throw malformed('the quote has another length', `1 to ${MAX_QUOTE_BYTES} bytes`, `${quote.length}`)
  return quote
}

async function ask(url: string, init: RequestInit, options: ThimOptions): Promise<unknown> {
  const { fetch: send = fetch, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  let response: Response
  let body: Uint8Array
  try {
    response = await send(url, {
      ...init,
      // Without the header the service refuses, so that no proxy or page can ask for somebody else.
      headers: {
        Metadata: 'true',
        Accept: 'application/json',
        ...(init.body != null && { 'Content-Type': 'application/json' }),
      },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (!response.ok) {
      await response.body?.cancel()
      throw collectError(
        isPassing(response.status) ? 'COLLECT_BUSY' : 'COLLECT_FAILED',
        'the metadata service refused',
        {
          expected: '200',
          found: `${response.status} for ${new URL(url).pathname}`,
        },
      )
    }
    body = await readBounded(response)
  } catch (cause) {
    const { name } = cause as Error
    if (name === 'SottoError') throw cause
    if (name === 'TimeoutError')
      throw collectError('COLLECT_TIMEOUT', 'the metadata service: no answer', {
        expected: `within ${timeoutMs} ms`,
      })
    throw collectError('COLLECT_UNAVAILABLE', 'there is no metadata service', {
      cause,
      hint: 'only virtual machines of Azure have one, at 169.254.169.254; is it blocked by a firewall in the guest?',
    })
  }
  try {
    return parseStrictJson(fromUtf8(body), { maxBytes: MAX_ANSWER_BYTES })
  } catch (cause) {
    throw collectError('COLLECT_MALFORMED', 'answer of the metadata service is no JSON', { cause })
  }
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > MAX_ANSWER_BYTES)
      throw malformed(
        'answer of the metadata service is too long',
        `at most ${MAX_ANSWER_BYTES} bytes`,
        'more',
      )
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts, length))
}

function decodeQuote(text: string): Uint8Array {
  try {
    return fromBase64Url(text)
  } catch (cause) {
    throw collectError('COLLECT_MALFORMED', 'the quote is not base64url', { cause })
  }
}

function textOf(answer: unknown, member: string): string {
  const value =
    typeof answer === 'object' && answer !== null && Object.hasOwn(answer, member)
      ? (answer as Record<string, unknown>)[member]
      : undefined
  if (typeof value !== 'string' || value.length === 0)
    throw malformed('answer of the metadata service', `text in ${member}`, typeof value)
  return value
}

function malformed(what: string, expected: string, found: string): Error {
  return collectError('COLLECT_MALFORMED', what, { expected, found })
}
