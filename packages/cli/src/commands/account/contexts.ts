import {
  chooseContext,
  contextFiles,
  currentContext,
  listContexts,
  removeContext,
  requireContext,
} from '../../config/index.ts'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { readFile } from 'node:fs/promises'

const NAME = { name: 'NAME', summary: 'a context of sotto context ls', required: true } as const

/** `sotto context ls` */
export const contextLs: Command = defineCommand({
  path: ['context', 'ls'],
  summary: 'List the services you logged in to',
  flags: {},
  async run(context) {
    const current = (await currentContext(context.io))?.name
    const rows = await Promise.all(
      (await listContexts(context.io)).map(async (name) => ({
        name,
        host: await hostOf(contextFiles(context.io, name).settings),
        isCurrent: name === current,
      })),
    )
    if (context.global.json) return context.json(rows)
    if (rows.length === 0) return context.out('no contexts; sotto login makes one')
    for (const { name, host, isCurrent } of rows)
      context.out(`${isCurrent ? '*' : ' '} ${name.padEnd(24)} ${host ?? 'damaged'}`)
    return
  },
})

/** `sotto context use NAME` */
export const contextUse: Command = defineCommand({
  path: ['context', 'use'],
  summary: 'Choose the service that commands use',
  arguments: [NAME],
  flags: {},
  async run(context, [name = '']) {
    await chooseContext(context.io, name)
    if (context.global.json) context.json({ context: name })
    else context.out(`commands use ${name} from now on`)
  },
})

/** `sotto context rm NAME` */
export const contextRm: Command = defineCommand({
  path: ['context', 'rm'],
  summary: 'Forget a service, with its policy and account key',
  arguments: [NAME],
  flags: {},
  async run(context, [name = '']) {
    await requireContext(context.io, name)
    if (!(await context.confirm(`Forget ${name} with its account key?`)))
      throw cliError('CLI_CANCELLED', 'nothing was forgotten')
    await removeContext(context.io, name)
    if (context.global.json) context.json({ removed: name })
    else context.out(`forgot ${name}`)
  },
})

async function hostOf(file: string): Promise<string | undefined> {
  try {
    const { host } = JSON.parse(await readFile(file, 'utf8')) as { host?: unknown }
    return typeof host === 'string' ? host : undefined
  } catch {
    return undefined
  }
}
