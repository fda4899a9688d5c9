import { edgeError } from '../errors.ts'
import type { OwnerQuota } from '../owners/index.ts'
import type { RegistryDatabase } from './database.ts'

/** What an owner keeps here. */
export interface Usage {
  models: number
  /** Sealed files that are served, and whole announced sizes of uploads that no served model names. */
  bytes: number
  uploads: number
}

/** Counts what an owner keeps. */
export function usageOf({ db, guarded }: RegistryDatabase, owner: string): Usage {
  return guarded(() => {
    const served = db
      .prepare(
        'SELECT count(*) AS n, coalesce(sum(bytes), 0) AS bytes FROM models WHERE owner = ? AND document IS NOT NULL',
      )
      .get(owner) as { n: number; bytes: number }
    const waiting = db
      .prepare(
        `SELECT count(*) AS n, coalesce(sum(bytes), 0) AS bytes FROM uploads WHERE owner = ?1 AND NOT EXISTS
           (SELECT 1 FROM models WHERE owner = ?1 AND models.digest = uploads.digest AND document IS NOT NULL)`,
      )
      .get(owner) as { n: number; bytes: number }
    return { models: served.n, bytes: served.bytes + waiting.bytes, uploads: waiting.n }
  })
}

/** @throws `REGISTRY_QUOTA` where what is added passes what the owner may keep */
export function requireRoom(
  usage: Usage,
  added: Partial<Usage>,
  quota: OwnerQuota,
  maxUploads: number,
): void {
  const limits: Usage = { models: quota.models, bytes: quota.bytes, uploads: maxUploads }
  for (const what of ['models', 'bytes', 'uploads'] as const) {
    const more = added[what] ?? 0
    if (more === 0 || usage[what] + more <= limits[what]) continue
    throw edgeError(
      'REGISTRY_QUOTA',
      `the owner may keep ${limits[what]} ${WORDS[what]} and has ${usage[what]}`,
      {
        expected: `at most ${limits[what]} ${WORDS[what]}`,
        found: `${usage[what]} and ${more} more`,
        hint: 'Remove a model (sotto models rm), or ask the operator for more.',
      },
    )
  }
}

const WORDS: Readonly<Record<keyof Usage, string>> = {
  models: 'models',
  bytes: 'bytes',
  uploads: 'unfinished uploads',
}
