import { serveError } from '@sotto/serve/errors'
import type { ServedModel } from '../api/index.ts'

/** Other names of models: what a program may put in `model`, and the id of the model it then gets. */
export type ModelAliases = Readonly<Record<string, string>>

/**
 * Compares the aliases of the measured configuration with the models it loads, whose ids stand in sealed
 * manifests. An alias must not hide a model, nor lead to none: who reads the configuration would take it for
 * something that it is not.
 * @throws `CONFIG_INVALID`
 */
export function checkAliases(aliases: ModelAliases, models: readonly Pick<ServedModel, 'id'>[]): void {
  const ids = new Set(models.map(({ id }) => id))
  for (const [alias, target] of Object.entries(aliases)) {
    if (ids.has(alias)) throw invalid(alias, 'a name that no model has')
    if (!ids.has(target)) throw invalid(alias, 'the id of a model that is loaded')
  }
}

function invalid(alias: string, expected: string): Error {
  return serveError('CONFIG_INVALID', `config.aliases.${alias}: expected ${expected}`, { expected })
}
