import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { defineCommand, type Command } from '../../framework/index.ts'
import { processExists, readRunning, STATE_FOLDER } from './running.ts'
import { cliError } from '../../errors.ts'

/** Longest wait for the stack to end by itself. */
const GRACE_MS = 20_000

/** `sotto down` */
export const down: Command = defineCommand({
  path: ['down'],
  summary: 'Stop the stack that sotto up runs here',
  description: 'Its state stays in .sotto/; sotto up continues with the same KMS.',
  flags: {},
  async run(context) {
    const folder = resolve(context.io.cwd, STATE_FOLDER)
    const running = await readRunning(folder)
    if (!running) {
      await rm(join(folder, 'stack.json'), { force: true })
      throw cliError('STACK_NOT_RUNNING', 'no stack runs here', {
        hint: 'sotto up starts one in this directory',
      })
    }
    process.kill(running.supervisor, 'SIGTERM')
    const deadline = Date.now() + GRACE_MS
    while (processExists(running.supervisor) && Date.now() < deadline)
      await new Promise((done) => setTimeout(done, 50))
    // The roles end by themselves when their supervisor is gone, however it went.
    if (processExists(running.supervisor)) process.kill(running.supervisor, 'SIGKILL')
    await rm(join(folder, 'stack.json'), { force: true })
    if (context.global.json) context.json({ stopped: running.roles.map(({ name }) => name) })
    else context.out(`stopped ${running.roles.map(({ name }) => name).join(', ')}`)
  },
})
