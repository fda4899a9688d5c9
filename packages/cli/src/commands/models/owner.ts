import { type Command, defineCommand } from '../../framework/index.ts'
import { openOwner, OWNER_FLAG, ownerKeyFile } from '../../owner/index.ts'

/** `sotto models owner` */
export const modelsOwner: Command = defineCommand({
  path: ['models', 'owner'],
  summary: 'Show who you are as an owner of models',
  description:
    'Prints the public key that an operator admits, and the tag that your models are named by. The key file is made\n' +
    'on first use; whoever has it is the owner.',
  flags: OWNER_FLAG,
  examples: ['sotto models owner', 'sotto models owner --json'],
  async run(context, _args, flags) {
    const file = ownerKeyFile(context.io, flags.owner)
    const { owner } = await openOwner(file)
    if (context.global.json) return context.json({ key: owner.key, tag: owner.tag, file })
    context.out(`key   ${owner.key}`)
    context.out(`tag   ${owner.tag}`)
    context.out(`file  ${file}`)
  },
})
