import { isBrowser } from '../platform.ts'

/** Options of every request to the relay: no credentials, no cache, no referrer, no redirect. */
export const OUTER_INIT: RequestInit = {
  redirect: 'manual',
  credentials: 'omit',
  cache: 'no-store',
  referrerPolicy: 'no-referrer',
  mode: 'cors',
}

/**
 * Fields that platforms add by themselves, set to the same for everybody (T17). Browsers get none: some
 * they do not let pages set, and the others would make every request need a preflight.
 */
export const OUTER_HEADERS: Readonly<Record<string, string>> = isBrowser
  ? {}
  : { 'accept-encoding': 'identity', 'accept-language': '*', 'user-agent': 'sotto' }

/** The media type without parameters, lower case. */
export function mediaType(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
}
