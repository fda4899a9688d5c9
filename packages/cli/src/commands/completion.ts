import { completionNodes, completionScript, type Shell, SHELLS } from '../completion/index.ts'
import { cliError } from '../errors.ts'
import { type Command, defineCommand } from '../framework/index.ts'

/** `sotto completion SHELL`, over the commands that `all` returns when it runs. */
export function completionCommand(all: () => readonly Command[]): Command {
  return defineCommand({
    path: ['completion'],
    summary: 'Print the completion script of a shell',
    arguments: [{ name: 'SHELL', summary: SHELLS.join(', '), required: true }],
    flags: {},
    examples: ['source <(sotto completion bash)', 'sotto completion fish | source'],
    async run(context, [shell]) {
      if (!(SHELLS as readonly string[]).includes(shell!)) {
        throw cliError('CLI_USAGE', `no completion for ${JSON.stringify(shell)}`, {
          expected: SHELLS.join(', '),
        })
      }
      context.out(completionScript(shell as Shell, completionNodes(all())).trimEnd())
    },
  })
}
