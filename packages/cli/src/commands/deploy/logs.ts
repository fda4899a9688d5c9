import { join } from 'node:path'
import { followLines, lastLines } from '../../deploy/logs/read.ts'
import { parseLogLine, type RoleLine } from '../../deploy/logs/line.ts'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { STATE_FOLDER } from '../../stack/running.ts'
import { printableLine } from '../../terminal/index.ts'
import { FILE_FLAG, localFolderOf } from './flags.ts'

/** `sotto logs` */
export const logs: Command = defineCommand({
  path: ['logs'],
  summary: 'Show what the roles of a deployment logged',
  description:
    'Roles log events by an allow-list: codes, counts and addresses, never what anybody said. An own app logs nothing: ' +
    'what it prints may be content, and is discarded. Lines that are no such event are left out, and counted.',
  arguments: [
    { name: 'NAME', summary: 'a deployment of sotto ls (default: of this folder)', required: false },
  ],
  flags: {
    ...FILE_FLAG,
    role: { type: 'string', value: 'ROLE', summary: 'of one role: kms, inference, relay, …', repeats: true },
    lines: {
      type: 'number',
      short: 'n',
      value: 'N',
      summary: 'newest lines (default 50)',
      min: 1,
      max: 10_000,
      integer: true,
    },
    follow: { type: 'boolean', summary: 'go on with what comes; Ctrl-C ends it' },
  },
  examples: ['sotto logs', 'sotto logs --role inference --follow'],
  async run(context, [name], flags) {
    const { folder } = await localFolderOf(context, name, flags.file)
    const run = join(folder, STATE_FOLDER, 'run')
    const { lines, places, roles } = await lastLines(run, flags.role, flags.lines ?? 50)
    const missing = flags.role?.find((role) => !roles.includes(role))
    if (missing !== undefined || roles.length === 0)
      throw cliError(
        'DEPLOY_UNKNOWN',
        missing === undefined
          ? `nothing was logged in ${folder}`
          : `no role ${JSON.stringify(missing.slice(0, 32))} logged anything in ${folder}`,
        {
          hint: missing === undefined ? 'sotto deploy starts the deployment' : 'sotto status names the roles',
        },
      )
    let leftOut = 0
    const show = (role: string, line: string): void => {
      const parsed = parseLogLine(role, line)
      if (parsed === undefined) leftOut++
      else print(context, parsed)
    }
    for (const { role, line } of lines) show(role, line)
    if (flags.follow) await followLines(run, places, show, context.signal)
    if (leftOut > 0)
      context.note(
        `${leftOut === 1 ? '1 line is no event' : `${leftOut} lines are no events`}, and not shown`,
      )
  },
})

function print(context: CommandContext, line: RoleLine): void {
  if (context.global.json) return context.json(line)
  const { time, role, event, ...fields } = line
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)
  context.out(printableLine([time, role.padEnd(12), event, ...rest].join('  ')))
}
