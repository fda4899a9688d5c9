/** What says in a content type that no field follows the file. */
const FIELDS_FIRST = /^multipart\/form-data\s*;(?:.*;)?\s*fields=first\s*(?:;|$)/i

/**
 * Whether a recording is sent while it is made: its fields come first, and nobody knows yet how long it will be. Such
 * a body must not wait here for more of itself.
 */
export function isLiveUpload(
  { method, headers }: Pick<Request, 'method' | 'headers'>,
  path: string,
): boolean {
  return (
    method === 'POST' &&
    path.startsWith('/v1/audio/') &&
    !headers.has('content-length') &&
    FIELDS_FIRST.test(headers.get('content-type') ?? '')
  )
}
