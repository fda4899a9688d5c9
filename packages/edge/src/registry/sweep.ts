import type { BlobFiles } from './blobs.ts'
import type { RegistryDatabase } from './database.ts'

/** What one sweep threw away. */
export interface Swept {
  models: number
  uploads: number
  blobs: number
}

/**
 * Throws away what nobody may have any more: models past their retention, uploads that rested too long, and blobs
 * that neither a model nor an upload names. A row goes before its file: what a killed process leaves is a file that
 * the next start removes.
 */
export function sweep(
  { db, guarded }: RegistryDatabase,
  files: BlobFiles,
  { now, uploadRestSeconds }: { now: number; uploadRestSeconds: number },
): Swept {
  return guarded(() => {
    const models = db
      .prepare('UPDATE models SET document = NULL WHERE document IS NOT NULL AND expires_at <= ?')
      .run(now).changes
    const rested = db
      .prepare('DELETE FROM uploads WHERE touched_at <= ? RETURNING id')
      .all(now - uploadRestSeconds) as { id: string }[]
    for (const { id } of rested) files.removePart(id)
    const unnamed = db
      .prepare(
        `DELETE FROM blobs WHERE NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.digest = blobs.digest) AND NOT EXISTS
           (SELECT 1 FROM models WHERE models.digest = blobs.digest AND document IS NOT NULL) RETURNING digest`,
      )
      .all() as { digest: string }[]
    for (const { digest } of unnamed) files.removeBlob(digest)
    return { models: Number(models), uploads: rested.length, blobs: unnamed.length }
  })
}
