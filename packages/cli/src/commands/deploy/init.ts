import { resolve } from 'node:path'
import { scaffold, TEMPLATES } from '../../deploy/scaffold/scaffold.ts'
import { type Command, defineCommand } from '../../framework/index.ts'

/** `sotto init` */
export const init: Command = defineCommand({
  path: ['init'],
  summary: 'Begin a deployment: sotto.yaml, an app, its tests',
  description:
    'Writes into a new or empty folder what sotto test and sotto deploy take. chat: a small web service with POST and ' +
    'streamed GET /generate over the models beside it, and a terminal client. summary: a web page that summarises a ' +
    'text and shows both side by side. models: only the models, no app.',
  arguments: [
    { name: 'DIR', summary: 'folder, made where there is none (default: this one)', required: false },
  ],
  flags: {
    template: {
      type: 'string',
      value: 'NAME',
      choices: TEMPLATES,
      summary: 'what to begin with (default chat)',
    },
    name: { type: 'string', value: 'NAME', summary: 'name of the deployment (default: of the folder)' },
  },
  examples: ['sotto init notes && cd notes && sotto test', 'sotto init --template summary'],
  async run(context, [directory], flags) {
    const folder = resolve(context.io.cwd, directory ?? '.')
    const { name, files } = await scaffold(folder, flags.template ?? 'chat', flags.name)
    if (context.global.json) return context.json({ name, folder, files })
    for (const file of files) context.out(`  ${file}`)
    context.out(`${name} is begun in ${folder}`)
    context.out(`try: ${directory === undefined ? '' : `cd ${directory}, `}sotto test, sotto deploy`)
    return
  },
})
