import type { Sotto } from '@sotto/client'
import {
  ANSWER_FLAGS,
  ask,
  beginConversation,
  type ChatOptions,
  converse,
  type Message,
  openDesk,
} from '../conversation/index.ts'
import { cliError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../framework/index.ts'
import { type Input, openInput } from '../input/index.ts'
import { findRecorder, type Hearing, nextQuestion } from '../microphone/index.ts'
import {
  callService,
  keepReceipts,
  openService,
  provenance,
  readEvents,
  RECEIPT_FLAG,
  TARGET_FLAGS,
} from '../service/index.ts'
import { collectText, uploadOf } from '../transcript/index.ts'

/** `sotto assistant [FILE]` */
export const assistant: Command = defineCommand({
  path: ['assistant'],
  summary: 'Ask by voice, and read the answer',
  description:
    'Without FILE: a conversation at a terminal. Enter begins to listen, Enter ends it; what is understood shows ' +
    'meanwhile, then the answer. A line that is typed is a question too, and /help shows the commands. The microphone ' +
    'is read with arecord, sox or ffmpeg, whichever is here; no recording is written to disk. With FILE: one ' +
    'question, one answer; the question goes to standard error, the answer to standard output.',
  arguments: [{ name: 'FILE', summary: 'recorded question, or - for standard input', required: false }],
  flags: {
    ...TARGET_FLAGS,
    receipt: {
      ...RECEIPT_FLAG.receipt,
      summary: 'keep the receipts of transcript (FILE) and answer (FILE.2)',
    },
    device: { type: 'string', value: 'NAME', summary: 'microphone, as the program that records names it' },
    language: { type: 'string', value: 'CODE', summary: 'spoken language, ISO 639-1 (default: detect)' },
    ...ANSWER_FLAGS,
    model: { type: 'string', value: 'MODEL', summary: 'model that answers (default: the service chooses)' },
    'speech-model': {
      type: 'string',
      value: 'MODEL',
      summary: 'model that listens (default: the service chooses)',
    },
  },
  examples: [
    'sotto assistant',
    'sotto assistant question.wav',
    'sotto assistant --device hw:1 --language de',
  ],
  async run(context, [file], flags) {
    if (file === undefined && !context.io.stdin.isTerminal)
      throw cliError('CLI_USAGE', 'there is no terminal to talk at', {
        hint: 'name a recording, or - for a pipe',
      })
    if (file === undefined && (context.global.json || flags.receipt !== undefined))
      throw cliError('CLI_USAGE', '--json and --receipt need one recording', { hint: 'name a file' })
    const { platform } = process
    const heard =
      file === undefined ? findRecorder({ platform, env: context.io.env }, flags.device) : undefined
    const input = file === undefined ? undefined : await openInput(context.io, [file])
    const config = await context.config()
    const listening = flags['speech-model'] ?? config.get('model.transcribe')?.value
    const hearing: Hearing = {
      ...(listening !== undefined && { model: listening }),
      ...(flags.language !== undefined && { language: flags.language }),
    }
    const options: ChatOptions = {
      model: flags.model ?? config.get('model.chat')?.value,
      temperature: undefined,
      max_tokens: flags['max-tokens'],
    }
    const sotto = await openService(context, flags)
    if (input === undefined) {
      const desk = openDesk(context)
      return converse(context, beginConversation(sotto, options, flags.system), desk, () =>
        nextQuestion(context, sotto, desk, heard!, hearing),
      )
    }
    const system: Message[] = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }]
    return answerRecording(context, sotto, input, hearing, { options, system, receipt: flags.receipt })
  },
})

/** One recorded question, one answer. */
async function answerRecording(
  context: CommandContext,
  sotto: Sotto,
  input: Input,
  hearing: Hearing,
  { options, system, receipt }: { options: ChatOptions; system: Message[]; receipt: string | undefined },
): Promise<number> {
  const { init } = uploadOf(context, input, { ...hearing, response_format: 'json', stream: 'true' })
  const transcribed = await callService(sotto, '/audio/transcriptions', init)
  const question = await collectText(readEvents(transcribed), context.foreignTalk())
  if (question === '') throw cliError('CLI_FILE', `nothing was understood in ${input.label}`)
  const { text, response } = await ask(sotto, {
    options,
    messages: [...system, { role: 'user', content: question }],
    signal: context.signal,
    to: context.global.json ? undefined : context.foreign(),
  })
  const both = async (): ReturnType<typeof receiptsOf> => receiptsOf(sotto, [transcribed, response])
  const receipts = await keepReceipts(context, both, receipt)
  if (context.global.json)
    context.json({ question, content: text, sotto: { ...provenance(sotto, receipts.at(-1)), receipts } })
  return EXIT.ok
}

function receiptsOf(sotto: Sotto, responses: Response[]): ReturnType<Parameters<typeof keepReceipts>[1]> {
  return Promise.all(responses.map((response) => sotto.receiptOf(response)))
}
