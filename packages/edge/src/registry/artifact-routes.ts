import { edgeError } from '../errors.ts'
import type { BlobFiles } from './blobs.ts'
import type { RegistryDatabase } from './database.ts'

/**
 * Answers `GET` and `HEAD /artifacts/{digest}` (RFC 9110 Section 14): the whole sealed file, or one range of it. Only
 * files that a served model names are there.
 * @throws `REGISTRY_MODEL_UNKNOWN`, `REGISTRY_RANGE`
 */
export function readArtifact(
  { db, guarded }: RegistryDatabase,
  files: BlobFiles,
  digest: string,
  request: Request,
  now: number,
): Response {
  const served = guarded(() =>
    db
      .prepare(
        'SELECT bytes FROM models WHERE digest = ? AND document IS NOT NULL AND (expires_at IS NULL OR expires_at > ?) LIMIT 1',
      )
      .get(digest, now),
  ) as { bytes: number } | undefined
  if (served === undefined) throw edgeError('REGISTRY_MODEL_UNKNOWN', 'no served model has this file')
  const { bytes } = served
  const range = rangeOf(request.headers.get('range'), bytes)
  const [start, end] = range ?? [0, bytes]
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(end - start),
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${bytes}` }),
  }
  const body = request.method === 'HEAD' ? null : files.read(digest, start, end)
  return new Response(body, { status: range ? 206 : 200, headers })
}

/** Start and end (excluded) of a single range; undefined for the whole. @throws `REGISTRY_RANGE` */
function rangeOf(header: string | null, bytes: number): [number, number] | undefined {
  if (header === null) return undefined
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) throw outside(bytes)
  const [start, end] =
    first === ''
      ? [Math.max(0, bytes - Number(last)), bytes]
      : [Number(first), last === '' ? bytes : Math.min(Number(last) + 1, bytes)]
  if (start >= bytes || start >= end) throw outside(bytes)
  return [start, end]
}

function outside(bytes: number): Error {
  return edgeError('REGISTRY_RANGE', 'one range within the file, or the whole', {
    expected: `0-${bytes - 1}`,
  })
}
