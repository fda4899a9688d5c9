import type { Sotto } from '@sotto/client'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { CATALOGUE, listModels, modelsFolder } from '../../models/index.ts'
import { OWNER_FLAG, ownerKeyFile, readOwner } from '../../owner/index.ts'
import { openService, TARGET_FLAGS } from '../../service/index.ts'
import { formatBytes } from '../../terminal/index.ts'

/** `sotto models ls` */
export const modelsLs: Command = defineCommand({
  path: ['models', 'ls'],
  summary: 'List pulled models, or with --remote those that an owner published',
  description:
    'Lists what sotto models pull has put in the folder. The default models are always served. With --remote it lists\n' +
    'what the registry has of you, or of the owner with the tag --of; each signed by that owner.',
  flags: {
    dir: { type: 'string', value: 'DIR', summary: 'folder of models (default: ~/.local/share/sotto/models)' },
    catalogue: { type: 'boolean', summary: 'what sotto models pull knows by name, here or not' },
    remote: { type: 'boolean', summary: 'what the service has of an owner' },
    of: { type: 'string', value: 'TAG', summary: 'with --remote: of another owner than you' },
    ...TARGET_FLAGS,
    ...OWNER_FLAG,
  },
  examples: [
    'sotto models ls',
    'sotto models ls --catalogue',
    'sotto models ls --remote',
    'sotto models ls --json',
  ],
  async run(context, _args, flags) {
    if (flags.catalogue) return listCatalogue(context)
    if (flags.remote) {
      const tag = flags.of ?? (await readOwner(ownerKeyFile(context.io, flags.owner))).tag
      return listRemote(context, await openService(context, flags), tag)
    }
    const root = modelsFolder(context.io, flags.dir)
    const { models, partial } = await listModels(root)
    const rows = models.map(({ folder, manifest, problem }) => {
      if (manifest === undefined) return { folder, problem: problem ?? 'unreadable' }
      const { id: model, task, engine, digest, files } = manifest
      return { model, task, engine, digest, bytes: files.reduce((sum, { size }) => sum + size, 0), folder }
    })
    if (context.global.json) return context.json({ root, models: rows, partial })
    for (const row of rows) {
      if ('problem' in row) context.warn(`warning: ${row.folder} holds no model: ${row.problem}`)
      else context.out([row.model, row.task, row.engine, formatBytes(row.bytes), row.digest].join('  '))
    }
    for (const name of partial) context.note(`interrupted: ${name}; pull it again to go on`)
    if (rows.length === 0 && partial.length === 0)
      context.note(`no pulled models in ${root}; sotto models ls --catalogue shows what pull knows by name`)
  },
})

function listCatalogue(context: CommandContext): void {
  if (context.global.json) return context.json({ models: CATALOGUE })
  const width = Math.max(...CATALOGUE.map(({ name }) => name.length))
  for (const { name, task, license, repository, files, isComplete } of CATALOGUE) {
    const bytes = files.reduce((sum, { size }) => sum + size, 0)
    const pinned = isComplete ? formatBytes(bytes) : 'not all digests known: --digest or --trust-first'
    context.out([name.padEnd(width), task, license, repository, pinned].join('  '))
  }
}

async function listRemote(context: CommandContext, sotto: Sotto, tag: string): Promise<void> {
  const models = await sotto.models.list(tag, context.signal)
  if (context.global.json) return context.json({ owner: tag, models })
  for (const { id, statement } of models)
    context.out([id, statement.task, formatBytes(statement.bytes), statement.model].join('  '))
  if (models.length === 0) context.note(`${tag} has published no model here`)
}
