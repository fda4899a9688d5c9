import { isModelName } from '@sotto/protocol/sealed-models'
import { cliError } from '../errors.ts'

/** As the enclave's configuration takes them. */
const ALIAS = /^[A-Za-z0-9][\w./:-]{0,127}$/

/** Other names of models, from `NAME=MODEL` words. @throws `CLI_USAGE` */
export function parseAliases(words: readonly string[]): Record<string, string> {
  const aliases: Record<string, string> = Object.create(null) as Record<string, string>
  for (const word of words) {
    const at = word.indexOf('=')
    const [name, model] = [word.slice(0, Math.max(at, 0)), word.slice(at + 1)]
    if (!ALIAS.test(name) || model === '') {
      throw cliError('CLI_USAGE', `--alias ${word} is not NAME=MODEL`, {
        hint: 'for instance --alias whisper-1=sotto-ctc-synthetic-en',
      })
    }
    if (name in aliases) throw cliError('CLI_USAGE', `--alias names ${name} twice`)
    aliases[name] = model
  }
  return aliases
}

/** Compares aliases with the models of a stack, before the enclave would refuse them. @throws `MODEL_INVALID` */
export function checkAliases(
  aliases: Readonly<Record<string, string>>,
  models: readonly { name: string }[],
): void {
  const names = models.map(({ name }) => name)
  for (const [alias, model] of Object.entries(aliases)) {
    // Of the form <tag>/<name> a model of an owner may be, and the alias would hide it.
    if (names.includes(alias) || isModelName(alias))
      throw cliError('MODEL_INVALID', `${alias} is the name of a model, and no alias`)
    // Of an owner's model only the enclave finds out, when somebody asks for it.
    if (names.includes(model) || isModelName(model)) continue
    throw cliError('MODEL_INVALID', `the alias ${alias} stands for no model`, {
      expected: [...names, '<tag>/<name> of an owner'].join(', '),
      found: model,
    })
  }
}
