import { edgeError } from '../errors.ts'
import { answerFile } from '../http/file-answer.ts'
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
  const read = (start: number, end: number): ReadableStream<Uint8Array> => files.read(digest, start, end)
  return answerFile(request, { bytes: served.bytes, read }, 'REGISTRY_RANGE')
}
