import { readBounded } from './read-bounded.ts'
import { cliError } from '../../errors.ts'

/** The whole of it: 50 files of 650 KB together. */
const MAX_TOTAL_BYTES = 32 * 1024 * 1024
const TIMEOUT_MS = 30_000

/** What a host answers for a name. */
export type Answer =
  | { kind: 'file'; bytes: Uint8Array; headers: Headers }
  /** Why there is no file, and the address that is given instead. */
  | { kind: 'none'; why: string; leadsTo?: string }

/** Somebody who serves pages: it controls every answer, and may give others other ones. */
export interface Host {
  /** Address of the folder, with a slash at its end. */
  url: URL
  /** @throws `CLI_SERVICE` (retry) when it does not answer, `CLI_NOT_AUTHENTIC` when it answers without end */
  get(name: string, maxBytes: number): Promise<Answer>
}

/** @throws `CLI_USAGE` for what is no address */
export function openHost(text: string, fetch: typeof globalThis.fetch, signal: AbortSignal): Host {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.username + url.password + url.search !== '')
    throw cliError('CLI_USAGE', 'URL is not the address of pages', { expected: 'https://…', found: text })
  url.hash = ''
  // A lone question mark stays otherwise.
  url.search = ''
  url.pathname = url.pathname.replace(/(?:\/index\.html)?\/*$/, '/')
  let total = 0
  return {
    url,
    async get(name, maxBytes) {
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
      // Never resolved: a name that a host made up could be that of another one (`//intranet/`).
      const address = new URL(url.href + name)
      try {
        const response = await fetch(address, {
          redirect: 'manual',
          credentials: 'omit',
          cache: 'no-store',
          signal: timeout,
        })
        const { status, headers } = response
        if (status !== 200) {
          await response.body?.cancel()
          return status >= 300 && status < 400 ? redirect(headers, address) : none(`status ${status}`)
        }
        const bytes = await readBounded(response.body, maxBytes)
        total += bytes?.length ?? maxBytes
        if (total > MAX_TOTAL_BYTES)
          throw cliError('CLI_NOT_AUTHENTIC', `${url.host} sends more than pages are`, {
            expected: `at most ${MAX_TOTAL_BYTES} bytes`,
          })
        if (bytes === undefined) return none(`more than ${maxBytes} bytes`)
        return { kind: 'file', bytes, headers }
      } catch (cause) {
        signal.throwIfAborted()
        if ((cause as { code?: unknown }).code === 'CLI_NOT_AUTHENTIC') throw cause
        throw cliError('CLI_SERVICE', `${url.host} does not answer for ${address.pathname}`, {
          hint: 'nothing was decided; try again',
          cause,
        })
      }
    },
  }
}

function none(why: string): Answer {
  return { kind: 'none', why }
}

function redirect(headers: Headers, from: URL): Answer {
  const location = headers.get('location') ?? ''
  return {
    kind: 'none',
    why: `redirect to ${location.slice(0, 200) || 'nowhere'}`,
    leadsTo: URL.parse(location, from)?.href ?? '',
  }
}
