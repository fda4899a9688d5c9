import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import type { DeploymentFile } from '../../deploy/file/index.ts'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'

/** How long tests may take to end once they are asked to. */
const GRACE_MS = 5000

/**
 * Runs the tests of an app with their own output; they end with the command.
 * @returns their exit code; undefined when a signal ended them
 * @throws `DEPLOY_TESTS` when there is no such program
 */
export async function runTests(
  context: Pick<CommandContext, 'global' | 'io' | 'note' | 'signal'>,
  file: Pick<DeploymentFile, 'path'>,
  [program, ...args]: string[],
  env: Record<string, string>,
): Promise<number | undefined> {
  // A signal that was aborted before anybody listened says nothing more.
  context.signal.throwIfAborted()
  context.note(`running ${[program, ...args].join(' ')} ...`)
  // With --json standard output is for the result alone.
  const output = context.global.json ? 2 : 1
  const child = spawn(program!, args, {
    cwd: dirname(file.path),
    env: { ...context.io.env, ...env },
    stdio: ['ignore', output, 2],
  })
  const end = (): void => {
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
  }
  context.signal.addEventListener('abort', end, { once: true })
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        cliError('DEPLOY_TESTS', `cannot run ${program}`, {
          cause,
          hint: 'is it installed? tests in sotto.yaml names a program and its arguments',
        }),
      ),
    )
    child.once('exit', (code) => resolve(code ?? undefined))
  })
}
