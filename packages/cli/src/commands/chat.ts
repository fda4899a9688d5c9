import type { Sotto } from '@sotto/client'
import { cliError, ServiceError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT, isAbort } from '../framework/index.ts'
import { openInput, readLines, readText } from '../input/index.ts'
import {
  finishReceipt,
  openService,
  postJson,
  provenance,
  readEvents,
  RECEIPT_FLAG,
  TARGET_FLAGS,
} from '../service/index.ts'
import { printable } from '../terminal/index.ts'

interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

interface ChatOptions {
  model: string | undefined
  temperature: number | undefined
  max_tokens: number | undefined
}

/** `sotto chat` */
export const chat: Command = defineCommand({
  path: ['chat'],
  summary: 'Talk to a model in private',
  description:
    'On a terminal: a conversation; /clear starts over, /exit or Ctrl-D ends it, Ctrl-C stops an answer. ' +
    'When the context of the model is full, the oldest turns are dropped, and a line says so. ' +
    'Nothing is written to disk. With -m, or with text on standard input: one answer.',
  flags: {
    ...TARGET_FLAGS,
    ...RECEIPT_FLAG,
    message: {
      type: 'string',
      short: 'm',
      value: 'TEXT',
      summary: 'one message, one answer; - reads it from standard input',
    },
    system: { type: 'string', value: 'TEXT', summary: 'instructions for the model' },
    temperature: { type: 'number', value: 'T', summary: '0 to 2', min: 0, max: 2 },
    'max-tokens': {
      type: 'number',
      value: 'N',
      summary: 'longest answer',
      min: 1,
      max: 1_000_000,
      integer: true,
    },
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
    const system: Message[] = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }]
    const sotto = await openService(context, flags)
    if (asked === undefined) return converse(context, sotto, options, system)
    const messages: Message[] = [...system, { role: 'user', content: asked }]
    const { text, response } = await answer(
      context,
      sotto,
      options,
      messages,
      context.signal,
      !context.global.json,
    )
    const receipt = await finishReceipt(context, sotto, response, flags.receipt)
    if (context.global.json) context.json({ content: text, sotto: provenance(sotto, receipt) })
    return EXIT.ok
  },
})

async function oneMessage(context: CommandContext, message: string): Promise<string> {
  return message === '-' ? readText(await openInput(context.io, ['-'])) : message
}

/** The loop of a terminal conversation. The history lives in this function and nowhere else. */
async function converse(
  context: CommandContext,
  sotto: Sotto,
  options: ChatOptions,
  system: Message[],
): Promise<number> {
  let answering: AbortController | undefined
  let interrupted = false
  const lines = readLines(context.io, () => {
    if (answering !== undefined) return answering.abort()
    interrupted = true
    lines.close()
  })
  context.onExit(() => lines.close())
  context.signal.addEventListener('abort', () => lines.close(), { once: true })
  let messages = [...system]
  for (;;) {
    const line = (await lines.next('> '))?.trim()
    if (line === undefined) return interrupted || context.signal.aborted ? EXIT.interrupted : EXIT.ok
    if (line === '') continue
    if (line === '/exit') return EXIT.ok
    if (line === '/clear') {
      messages = [...system]
      continue
    }
    const turns: Message[] = [...messages.slice(system.length), { role: 'user', content: line }]
    answering = new AbortController()
    try {
      const signal = AbortSignal.any([answering.signal, context.signal])
      const { kept, text, response } = await answerWhatFits(turns, (some) =>
        answer(context, sotto, options, [...system, ...some], signal, true),
      )
      const dropped = (turns.length - kept.length) / 2
      if (dropped > 0)
        context.warn(`the context is full: dropped the oldest ${dropped === 1 ? 'turn' : `${dropped} turns`}`)
      await finishReceipt(context, sotto, response, undefined)
      messages = [...system, ...kept, { role: 'assistant', content: text }]
    } catch (error) {
      if (!isAbort(error) || context.signal.aborted) throw error
      context.note('\nstopped; the unfinished answer is forgotten')
    } finally {
      answering = undefined
    }
  }
}

/**
 * Asks with the whole conversation, and when the service says that it is too long, without its oldest turns: one, three,
 * seven, until it fits. A turn is what was asked and what was answered; the last question always stays.
 */
async function answerWhatFits<Answer extends object>(
  turns: readonly Message[],
  ask: (turns: readonly Message[]) => Promise<Answer>,
): Promise<Answer & { kept: readonly Message[] }> {
  for (let dropped = 0; ; dropped = dropped * 2 + 1) {
    const kept = turns.slice(Math.min(dropped * 2, turns.length - 1))
    try {
      return { ...(await ask(kept)), kept }
    } catch (error) {
      const isTooLong = error instanceof ServiceError && error.service.code === 'context_length_exceeded'
      if (!isTooLong || kept.length === 1) throw error
    }
  }
}

/** One streamed answer, printed as it comes when `print` is set. */
async function answer(
  context: CommandContext,
  sotto: Sotto,
  options: ChatOptions,
  messages: readonly Message[],
  signal: AbortSignal,
  print: boolean,
): Promise<{ text: string; response: Response }> {
  const response = await postJson(sotto, '/chat/completions', { ...options, messages, stream: true }, signal)
  const events = readEvents(response)
  let text = ''
  for (;;) {
    const { done, value } = await events.next()
    if (done) {
      if (print && !text.endsWith('\n')) await context.io.stdout.write('\n')
      if (!value.done) throw cliError('CLI_SERVICE', 'the answer ended without its end mark')
      return { text, response }
    }
    const delta = deltaOf(value)
    text += delta
    if (print && delta !== '')
      await context.io.stdout.write(context.io.stdout.isTerminal ? printable(delta) : delta)
  }
}

function deltaOf(event: { choices?: { delta?: { content?: unknown } }[] }): string {
  const content = event.choices?.[0]?.delta?.content
  return typeof content === 'string' ? content : ''
}
