import { completionNodes, completionScript, type Shell, SHELLS } from '../completion/index.ts'
import { cliError } from '../errors.ts'
import { type Command, defineCommand } from '../framework/index.ts'

/** `sotto completions SHELL`, over the commands that `all` returns when it runs. */
export function completionsCommand(all: () => readonly Command[]): Command {
  return defineCommand({
    path: ['completions'],
    summary: 'Print the completion script of a shell',
    arguments: [{ name: 'SHELL', summary: SHELLS.join(', '), required: true, choices: SHELLS }],
    flags: {},
    examples: [
      'source <(sotto completions bash)',
      'sotto completions zsh > ~/.zfunc/_sotto',
      'sotto completions fish > ~/.config/fish/completions/sotto.fish',
      'sotto completions powershell | Out-String | Invoke-Expression',
    ],
    async run(context, [shell]) {
      if (!(SHELLS as readonly string[]).includes(shell!)) {
        throw cliError('CLI_USAGE', `no completions for ${JSON.stringify(shell)}`, {
          expected: SHELLS.join(', '),
        })
      }
      context.out(completionScript(shell as Shell, completionNodes(all())).trimEnd())
    },
  })
}
