import { clientError } from '../errors.ts'
import { readBounded } from '../streams.ts'
import { mediaType, OUTER_HEADERS, OUTER_INIT } from './outer-fetch.ts'

/** Largest trust bundle (see `TrustBundle`). */
export const MAX_BUNDLE_BYTES: number = 2 ** 20

/** How long the relay may take for the bundle, milliseconds. */
const TIMEOUT_MS = 30_000

const MEDIA_TYPE = 'application/json'

/**
 * Fetches the trust bundle through the relay. The bytes are whatever the operator likes.
 * @throws `BUNDLE_UNREACHABLE` no connection, no answer in 30 s, a redirect or another status than 200
 * @throws `BUNDLE_INVALID` another media type, or more than 1 MiB
 */
export async function fetchBundle(
  url: URL,
  fetch: typeof globalThis.fetch,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(url, {
      ...OUTER_INIT,
      headers: { ...OUTER_HEADERS, accept: MEDIA_TYPE },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    return await bundleBytes(response, url.searchParams.has('nonce'))
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof Error && cause.name === 'SottoError') throw cause
    throw clientError('BUNDLE_UNREACHABLE', 'the relay does not answer with the trust bundle', {
      cause,
      found: timeout.aborted ? 'no answer in 30 s' : 'connection failed',
    })
  }
}

async function bundleBytes(response: Response, hasNonce: boolean): Promise<Uint8Array> {
  if (response.status !== 200) {
    await response.body?.cancel()
    throw clientError('BUNDLE_UNREACHABLE', 'the relay has no trust bundle for this gateway', {
      // A redirect under `redirect: manual` has status 0 in browsers.
      found: response.status === 0 ? 'a redirect' : `status ${response.status}`,
      ...(hasNonce && {
        hint: 'evidence for a nonce is made a few times a second at most, for all who ask; try again in a moment',
      }),
    })
  }
  if (mediaType(response) !== MEDIA_TYPE) {
    await response.body?.cancel()
    throw clientError('BUNDLE_INVALID', 'this is not a trust bundle', {
      expected: MEDIA_TYPE,
      found: mediaType(response),
    })
  }
  const bytes = await readBounded(response.body, MAX_BUNDLE_BYTES)
  if (bytes === undefined) throw clientError('BUNDLE_INVALID', 'the trust bundle is larger than 1 MiB')
  return bytes
}
