import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { startChild } from '../../stack/child.ts'
import { EDGE_ENV } from '../../stack/edge-roles.ts'
import { findLayout } from '../../stack/layout.ts'
import { MEMORY_FLAGS } from '../../stack/memory.ts'
import { WITNESS_CONFIG } from './init.ts'

/** `sotto witness run` */
export const witnessRun: Command = defineCommand({
  path: ['witness', 'run'],
  summary: 'Run a witness until it is stopped',
  description:
    'Speaks C2SP tlog-witness: POST /add-checkpoint for logs, GET /key for people. What it cosigned is durable ' +
    'before it answers; one process holds its folder. Put a TLS server in front of it.',
  arguments: [
    {
      name: 'DIR',
      summary: 'folder that sotto witness init made, or its configuration file (default .)',
      required: false,
    },
  ],
  flags: {},
  examples: ['sotto witness run w1'],
  async run(context, [place = '.']) {
    const path = resolve(context.io.cwd, place)
    const config = existsSync(join(path, WITNESS_CONFIG)) ? join(path, WITNESS_CONFIG) : path
    if (config === path && !path.endsWith('.json'))
      throw cliError('CLI_FILE', `there is no witness in ${place}`, { hint: 'sotto witness init makes one' })
    const entry = findLayout().edge('witness')
    const role = await startChild({
      name: 'witness',
      node: process.execPath,
      args: [...MEMORY_FLAGS, entry, '--config', config],
      cwd: dirname(entry),
      env: EDGE_ENV,
      logFile: join(dirname(config), 'witness.log'),
    })
    context.onExit(() => role.stop())
    const { http: url = '', verifierKey: key = '' } = (role.ready['urls'] ?? {}) as Record<string, string>
    if (context.global.json) context.json({ url, key, process: role.pid })
    else {
      context.out(`witness ${url}/add-checkpoint, process ${role.pid}`)
      context.out(key)
    }
    const stopped = new Promise<undefined>((done) =>
      context.signal.addEventListener('abort', () => done(undefined), { once: true }),
    )
    const reason = await Promise.race([role.ended, stopped])
    if (reason !== undefined && !context.signal.aborted)
      throw cliError('ROLE_FAILED', `the witness ended: ${reason}`, {
        hint: `see ${join(dirname(config), 'witness.log')}`,
      })
  },
})
