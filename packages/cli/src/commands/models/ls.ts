import { type Command, defineCommand } from '../../framework/index.ts'
import { listModels, modelsFolder } from '../../models/index.ts'
import { formatBytes } from '../../terminal/index.ts'

/** `sotto models ls` */
export const modelsLs: Command = defineCommand({
  path: ['models', 'ls'],
  summary: 'List pulled models',
  description: 'Lists what sotto models pull has put in the folder. The default models are always served.',
  flags: {
    dir: { type: 'string', value: 'DIR', summary: 'folder of models (default: ~/.local/share/sotto/models)' },
  },
  examples: ['sotto models ls', 'sotto models ls --json'],
  async run(context, _args, flags) {
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
    if (rows.length === 0 && partial.length === 0) context.note(`no pulled models in ${root}`)
  },
})
