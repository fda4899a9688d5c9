import type { Command, CommandContext } from '../framework/index.ts'

/**
 * What a command answers, for one that is made of several: as with `--json --yes`, whose talk stays talk. Who calls it has
 * been told by its user to do all of it.
 * @throws what the command throws
 */
export async function answerOf<Answer>(
  context: CommandContext,
  command: Command,
  args: readonly string[],
  flags: object,
): Promise<Answer> {
  let answer: unknown
  const inner: CommandContext = {
    ...context,
    global: { ...context.global, json: true, yes: true },
    confirm: () => Promise.resolve(true),
    json: (value) => {
      answer = value
    },
  }
  // Flags that are not given are false or undefined, as a parser leaves them.
  const defaults = Object.fromEntries(
    Object.entries(command.flags).map(([name, { type }]) => [name, type === 'boolean' ? false : undefined]),
  )
  await command.run(inner, args, { ...defaults, ...flags } as never)
  return answer as Answer
}

/** A context that says the same warning once, however many commands have it. */
export function warningOnce(context: CommandContext): CommandContext {
  const said = new Set<string>()
  return {
    ...context,
    warn(line) {
      if (said.has(line)) return
      said.add(line)
      context.warn(line)
    },
  }
}
