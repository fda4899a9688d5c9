import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { formatVerdictLine, servedModels } from '../service/index.ts'
import { formatSteps, printableLine } from '../terminal/index.ts'
import type { Conversation } from './conversation.ts'
import { saveConversation } from './save.ts'

/** A command of a conversation: a line that begins with `/`. */
interface ConversationCommand {
  name: string
  argument?: string
  summary: string
  /** Talks on standard error: standard output holds answers. @throws like any command; the conversation goes on */
  run(context: CommandContext, conversation: Conversation, argument: string): Promise<void> | void
}

/** The one table of them: help, Tab and the loop read it. */
const COMMANDS: readonly ConversationCommand[] = [
  { name: 'help', summary: 'show these commands', run: (context) => context.note(helpText()) },
  {
    name: 'model',
    argument: '[NAME]',
    summary: 'say which models there are, or take another one',
    run: chooseModel,
  },
  {
    name: 'system',
    argument: '[TEXT]',
    summary: 'show or set the instructions for the model; - removes them',
    run: changeSystem,
  },
  {
    name: 'clear',
    summary: 'forget what was said, and begin again',
    run(context, conversation) {
      conversation.turns = []
      context.note('forgotten')
    },
  },
  {
    name: 'save',
    argument: 'FILE',
    summary: 'write the conversation to a new file; nothing is written otherwise',
    async run(context, conversation, file) {
      if (file === '') throw cliError('CLI_USAGE', '/save needs a file', { hint: 'like /save notes.md' })
      if (conversation.turns.length === 0) throw cliError('CLI_USAGE', 'nothing was said yet')
      await saveConversation(conversation, context.io, file)
      context.note(`saved in ${printableLine(file)}, in clear: only you may read it`)
    },
  },
  { name: 'verify', summary: 'show every step of the chain of trust', run: showChain },
  { name: 'quit', summary: 'leave; so do /exit, Ctrl-D, and Ctrl-C at an empty line', run: () => {} },
]

/** How a line is understood. */
export type Typed =
  | { kind: 'question'; text: string }
  | { kind: 'command'; run(context: CommandContext, conversation: Conversation): Promise<void> | void }
  | { kind: 'quit' }
  | { kind: 'nothing' }

/**
 * Understands what was typed. Several lines are always a question: nobody types a command in two.
 * @throws `CLI_USAGE` a command that there is not
 */
export function understand(typed: string): Typed {
  const text = typed.trim()
  if (text === '') return { kind: 'nothing' }
  const [, name, argument = ''] = /^\/(\S*)[ \t]*(.*)$/.exec(typed.trimEnd()) ?? []
  if (name === undefined) return { kind: 'question', text }
  if (name === 'quit' || name === 'exit') return { kind: 'quit' }
  const command = COMMANDS.find((one) => one.name === name)
  if (command !== undefined)
    return { kind: 'command', run: (context, conversation) => command.run(context, conversation, argument) }
  throw cliError('CLI_USAGE', `no command /${name}`, {
    hint: 'type /help to see them; begin with a space to send a line that starts with /',
  })
}

/** Commands that a line may become, for Tab. */
export function completeCommand(line: string): string[] {
  return COMMANDS.map(({ name }) => `/${name}`).filter(
    (name) => line.startsWith('/') && name.startsWith(line),
  )
}

function helpText(): string {
  const rows = COMMANDS.map(
    ({ name, argument, summary }) => `  ${`/${name} ${argument ?? ''}`.padEnd(16)} ${summary}`,
  )
  return [
    ...rows,
    '  A \\ at the end of a line goes on in the next one; pasted lines are one message.',
    '  Arrow keys bring back what you typed, which is in memory only. Ctrl-C stops an answer.',
  ].join('\n')
}

async function chooseModel(
  context: CommandContext,
  { sotto, options }: Conversation,
  name: string,
): Promise<void> {
  const models = await servedModels(sotto, context.signal).catch((): string[] => [])
  if (name === '') {
    context.note(`model ${printableLine(options.model ?? 'of the service’s choice')}`)
    return context.note(`there are ${models.join(', ') || 'none that the service names'}`)
  }
  // Where the service names none, it decides at the next question.
  if (models.length > 0 && !models.includes(name))
    throw cliError('CLI_USAGE', `no model ${name}`, { hint: `there are ${models.join(', ')}` })
  options.model = name
  context.note(`model ${printableLine(name)}`)
}

function changeSystem(context: CommandContext, conversation: Conversation, text: string): void {
  if (text !== '') conversation.system = text === '-' ? undefined : text
  context.note(
    conversation.system === undefined
      ? 'no instructions'
      : `instructions: ${printableLine(conversation.system)}`,
  )
}

function showChain(context: CommandContext, { sotto }: Conversation): void {
  const { trust } = sotto
  for (const line of formatSteps(trust.steps, context.style.err)) context.note(line)
  context.note(formatVerdictLine(trust, context.style.err))
  context.note(`you trust: ${printableLine(trust.trustedParties.join('; '))}`)
  context.note(`checked again after ${new Date(trust.validUntil * 1000).toISOString()}`)
}
