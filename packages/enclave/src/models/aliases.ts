import { isModelName } from '@sotto/protocol/sealed-models'
import { serveError } from '@sotto/serve/errors'
import type { ServedModel } from '../api/index.ts'

/** Other names of models: what a program may put in `model`, and the id of the model it then gets. */
export type ModelAliases = Readonly<Record<string, string>>

/**
 * Compares the aliases of the measured configuration with the models it loads, whose ids stand in sealed
 * manifests. An alias must not hide a model, nor lead to none: who reads the configuration would take it for
 * something that it is not. Whether an owner's model is there, nobody can know before it is asked for: only that it may be,
 * so no alias has the form of such a name.
 *
 * @param takesOwners whether models of owners are served
 * @throws `CONFIG_INVALID`
 */
export function checkAliases(
  aliases: ModelAliases,
  models: readonly Pick<ServedModel, 'id'>[],
  takesOwners = false,
): void {
  const ids = new Set(models.map(({ id }) => id))
  for (const [alias, target] of Object.entries(aliases)) {
    if (ids.has(alias) || (takesOwners && isModelName(alias)))
      throw invalid(alias, 'a name that no model has, nor can have')
    const isOwned = takesOwners && isModelName(target)
    if (!ids.has(target) && !isOwned)
      throw invalid(
        alias,
        takesOwners
          ? 'the id of a model that is loaded, or <tag>/<name> of an owner'
          : 'the id of a model that is loaded',
      )
  }
}

function invalid(alias: string, expected: string): Error {
  return serveError('CONFIG_INVALID', `config.aliases.${alias}: expected ${expected}`, { expected })
}
