import { base64url, jcsError, type Decoder } from '../jcs/index.ts'

/** What an auditor has evidence made for: 16 to 64 bytes that nobody could have known before, as base64url. */
export const nonceDecoder: Decoder<string> = base64url(16, 64)

/**
 * Evidence for a nonce costs a report of the hardware, and a process of somebody's a verification: at most so many for
 * all who ask, whoever they are. For `createRateLimiter`.
 */
export const NONCE_RATE = { capacity: 4, perSecond: 2 } as const

/**
 * The nonce that the address of a request asks evidence for (`?nonce=`); undefined when it asks for none. Whoever calls
 * controls it.
 * @throws `JCS_FIELD` for one that is malformed, or two
 */
export function nonceOf(url: string): string | undefined {
  const [nonce, ...more] = new URL(url).searchParams.getAll('nonce')
  if (more.length > 0) throw jcsError('JCS_FIELD', 'nonce stands twice', 'one nonce')
  return nonce === undefined ? undefined : nonceDecoder(nonce, 'nonce')
}
