import type { FinetuneTask, SqlTemplate, TrainTask } from '@sotto/protocol/contract'
import { type Digest, documentDigest } from '@sotto/protocol/keyrelease'
import type { SqlPolicy } from '../sql/index.ts'

/** All that a check of queries depends on. */
export interface CheckedQueries {
  templates: readonly SqlTemplate[]
  policy: SqlPolicy
  /** Program of their process, and folder of DuckDB. */
  engine: { entry: string; part: string }
}

/** All that a check of a training depends on. */
export interface CheckedTraining {
  task: TrainTask | FinetuneTask
  /** Program of its process. */
  engine: { entry: string }
}

/** Of as many contracts as a KMS holds at once. */
const MAX_REMEMBERED = 1024

/**
 * Queries and trainings that this process found good, by the digest of all that the check depends on, so that the next run
 * of a contract starts no process for it. Refusals are not remembered: what they depend on besides, such as memory, may
 * change. Whatever is remembered, they are checked again in the process that runs them; queries before it reads any data.
 */
export class GoodQueries {
  /** Those asked for last come last. */
  readonly #digests = new Set<Digest>()

  /** Looks at what nobody has found good, or not lately. @throws what `look` throws */
  async check(what: CheckedQueries | CheckedTraining, look: () => Promise<void>): Promise<void> {
    const digest = documentDigest(what)
    if (!this.#digests.delete(digest)) await look()
    this.#digests.add(digest)
    for (const oldest of this.#digests) {
      if (this.#digests.size <= MAX_REMEMBERED) return
      this.#digests.delete(oldest)
    }
  }
}
