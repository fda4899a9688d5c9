import { resolve } from 'node:path'
import { cliError } from '../../errors.ts'
import { defineCommand, type Command } from '../../framework/index.ts'
import { STATE_FOLDER } from '../../stack/running.ts'
import { stopInTurn } from '../../deploy/local/turns.ts'

/** `sotto down` */
export const down: Command = defineCommand({
  path: ['down'],
  summary: 'Stop the stack that sotto up runs here',
  description:
    'One that is still starting too. Its state stays in .sotto/; sotto up continues with the same KMS.',
  flags: {},
  async run(context) {
    const stopped = await stopInTurn(resolve(context.io.cwd, STATE_FOLDER))
    if (stopped === undefined)
      throw cliError('STACK_NOT_RUNNING', 'no stack runs here', {
        hint: 'sotto up starts one in this directory',
      })
    const { roles, wasStarting, supervisor } = stopped
    if (context.global.json) context.json({ stopped: roles, wasStarting })
    else if (wasStarting) context.out(`stopped the stack that was starting (process ${supervisor})`)
    else context.out(`stopped ${roles.join(', ')}`)
  },
})
