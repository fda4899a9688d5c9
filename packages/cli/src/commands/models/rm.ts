import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { parseModelName } from '@sotto/protocol/sealed-models'
import { OWNER_FLAG, ownerKeyFile, readOwner } from '../../owner/index.ts'
import { openService, TARGET_FLAGS } from '../../service/index.ts'

/** `sotto models rm NAME` */
export const modelsRm: Command = defineCommand({
  path: ['models', 'rm'],
  summary: 'Remove a model of yours from the service, for good',
  description:
    'Signs that the model is never served again, all versions or one, which goes into the log, and has the KMS\n' +
    'destroy its content keys. Requests under way end, no new one begins. Nothing on this machine is touched.',
  arguments: [
    { name: 'NAME[:VERSION]', summary: 'model of yours; without a version all of them', required: true },
  ],
  flags: { ...TARGET_FLAGS, ...OWNER_FLAG },
  examples: ['sotto models rm my-model', 'sotto models rm my-model:2 --yes'],
  async run(context, [text = ''], flags) {
    const owner = await readOwner(ownerKeyFile(context.io, flags.owner))
    const { tag, name, version } = parseModelName(text.includes('/') ? text : `${owner.tag}/${text}`)
    if (tag !== owner.tag)
      throw cliError('CLI_USAGE', 'only its owner removes a model', { expected: owner.tag, found: tag })
    const sotto = await openService(context, flags)
    const what = version === undefined ? `every version of ${name}` : `version ${version} of ${name}`
    if (!(await context.confirm(`Remove ${what}? Nothing brings it back.`)))
      throw cliError('CLI_CANCELLED', 'nothing was removed')
    const removed = await sotto.models.remove(name, {
      owner,
      version: version ?? 'all',
      signal: context.signal,
    })
    const result = { name, version: version ?? 'all', owner: tag, ...removed }
    if (context.global.json) return context.json(result)
    const keys = removed.artifacts.length === 1 ? '1 content key' : `${removed.artifacts.length} content keys`
    const place = removed.index === undefined ? 'not in the log' : `log entry ${removed.index}`
    context.out(`removed ${what}: ${place}, ${keys} destroyed`)
  },
})
