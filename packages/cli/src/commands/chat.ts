import {
  ANSWER_FLAGS,
  ask,
  beginConversation,
  type ChatOptions,
  converse,
  type Message,
  openDesk,
  understand,
} from '../conversation/index.ts'
import { cliError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../framework/index.ts'
import { openInput, readText } from '../input/index.ts'
import { finishReceipt, openService, provenance, RECEIPT_FLAG, TARGET_FLAGS } from '../service/index.ts'

/** `sotto chat` */
export const chat: Command = defineCommand({
  path: ['chat'],
  summary: 'Talk to a model in private',
  description:
    'On a terminal: a conversation. /help shows its commands; arrow keys bring back what you typed; a \\ at the ' +
    'end of a line goes on in the next one; Ctrl-C stops an answer, Ctrl-D ends the conversation. ' +
    'When the context of the model is full, the oldest turns are dropped, and a line says so. ' +
    'Nothing is written to disk but with /save. With -m, or with text on standard input: one answer.',
  flags: {
    ...TARGET_FLAGS,
    ...RECEIPT_FLAG,
    message: {
      type: 'string',
      short: 'm',
      value: 'TEXT',
      summary: 'one message, one answer; - reads it from standard input',
    },
    ...ANSWER_FLAGS,
    temperature: { type: 'number', value: 'T', summary: '0 to 2', min: 0, max: 2 },
    model: { type: 'string', value: 'MODEL', summary: 'model (default: the service chooses)' },
  },
  examples: ['sotto chat', "sotto chat -m 'Explain HPKE in two sentences'", 'git diff | sotto chat -m -'],
  async run(context, _args, flags) {
    const interactive = flags.message === undefined && context.io.stdin.isTerminal
    if (interactive && (context.global.json || flags.receipt !== undefined)) {
      throw cliError('CLI_USAGE', '--json and --receipt need one message', { hint: 'pass -m TEXT' })
    }
    const asked = interactive ? undefined : await oneMessage(context, flags.message ?? '-')
    if (asked?.trim() === '') throw cliError('CLI_USAGE', 'the message is empty', { hint: 'pass -m TEXT' })
    const config = await context.config()
    const options: ChatOptions = {
      model: flags.model ?? config.get('model.chat')?.value,
      temperature: flags.temperature,
      max_tokens: flags['max-tokens'],
    }
    const sotto = await openService(context, flags)
    if (asked === undefined) {
      context.note('type a message, or /help')
      const desk = openDesk(context)
      const conversation = beginConversation(sotto, options, flags.system)
      return converse(context, conversation, desk, async () => {
        const typed = await desk.lines.next('> ')
        return typed === undefined ? undefined : understand(typed)
      })
    }
    const system: Message[] = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }]
    const { text, response } = await ask(sotto, {
      options,
      messages: [...system, { role: 'user', content: asked }],
      signal: context.signal,
      to: context.global.json ? undefined : context.foreign(),
    })
    const receipt = await finishReceipt(context, sotto, response, flags.receipt)
    if (context.global.json) context.json({ content: text, sotto: provenance(sotto, receipt) })
    return EXIT.ok
  },
})

async function oneMessage(context: CommandContext, message: string): Promise<string> {
  return message === '-' ? readText(await openInput(context.io, ['-'])) : message
}
