import { realpath } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { modelContent } from '@sotto/client/models'
import { nameOf, openModelFiles } from '../../owner/index.ts'
import { draftError, readDraftText } from './read.ts'
import type { Draft, DraftTask } from './types.ts'

/** What a draft does not say itself: texts of queries, and digests of models, by what stands for them. */
export interface DraftFiles {
  /** By path as the draft has it. */
  queries: ReadonlyMap<string, string>
  /** Of the manifests of models, by path as the draft has it. */
  models: ReadonlyMap<string, string>
}

const MAX_SQL_BYTES = 65_536

/**
 * Reads what a draft names. A query becomes part of the contract, which others read, so its file lies with the draft.
 * @throws `ROOM_DRAFT`; `CLI_FILE`, `MODEL_SOURCE`, `MODEL_INVALID` for a model
 */
export async function readDraftFiles({ path, transforms }: Draft, signal?: AbortSignal): Promise<DraftFiles> {
  const folder = dirname(path)
  const queries = new Map<string, string>()
  const models = new Map<string, string>()
  for (const { task } of Object.values(transforms)) {
    if (task.kind === 'sql')
      for (const { sql } of task.templates)
        if (typeof sql !== 'string') queries.set(sql.file, await readQuery(path, folder, sql.file))
    const place = modelPlaceOf(task)
    if (place !== undefined) {
      const source = resolve(folder, place)
      const files = await openModelFiles(source)
      models.set(place, (await modelContent(files, nameOf(source), {}, signal)).manifest.digest)
    }
  }
  return { queries, models }
}

/** Path of the model that a task names by its files. */
function modelPlaceOf(task: DraftTask): string | undefined {
  const named =
    task.kind === 'infer' || task.kind === 'finetune'
      ? task
      : task.kind === 'train' && task.recipe.kind === 'graph'
        ? task.recipe
        : undefined
  return typeof named?.digest === 'object' ? named.digest.path : undefined
}

async function readQuery(path: string, folder: string, file: string): Promise<string> {
  // Where a link leads counts: a draft may come from somebody else.
  const [place, within] = await Promise.all([realpath(resolve(folder, file)), realpath(folder)]).catch(
    (cause: unknown) => {
      throw draftError(path, `cannot read the query ${file}`, { cause, hint: 'check its path' })
    },
  )
  if (!place.startsWith(within.endsWith(sep) ? within : within + sep))
    throw draftError(path, `the query ${file} does not lie with the draft`, {
      expected: 'a path below the folder of the draft',
      hint: 'copy it there: all parties read it in the contract',
    })
  return (await readDraftText(place, path, MAX_SQL_BYTES)).trimEnd()
}
