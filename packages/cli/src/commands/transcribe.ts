import { cliError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../framework/index.ts'
import { openInput } from '../input/index.ts'
import {
  callService,
  finishReceipt,
  keepReceipts,
  openService,
  provenance,
  readEvents,
  readJson,
  RECEIPT_FLAG,
  TARGET_FLAGS,
} from '../service/index.ts'
import { printableJson } from '../terminal/index.ts'
import { followEvents, printEvents, transcribeWhileSpoken, uploadOf } from '../transcript/index.ts'

/** `sotto transcribe FILE` */
export const transcribe: Command = defineCommand({
  path: ['transcribe'],
  summary: 'Turn speech into text without letting anybody listen',
  description:
    'On a terminal each stretch of speech shows as soon as it is understood, with when it begins, and a line says how ' +
    'much of the recording is done. A pipe or a file gets the plain text.',
  arguments: [
    {
      name: 'FILE',
      summary: 'recording (wav, mp3, flac, ogg, opus), or - for standard input',
      required: true,
    },
  ],
  flags: {
    ...TARGET_FLAGS,
    ...RECEIPT_FLAG,
    format: {
      type: 'string',
      short: 'f',
      value: 'FORMAT',
      summary: 'text (default), json, srt, vtt or verbose_json',
      choices: ['text', 'json', 'srt', 'vtt', 'verbose_json'],
    },
    stream: { type: 'boolean', summary: 'print words as they are recognised' },
    live: {
      type: 'boolean',
      summary: 'send what is spoken as it is spoken, and print words meanwhile: for FILE - or a device',
    },
    rate: {
      type: 'number',
      value: 'HZ',
      min: 1000,
      max: 192_000,
      integer: true,
      summary: 'with --live: raw 16-bit samples of one channel, this many a second, and no file format',
    },
    language: { type: 'string', value: 'CODE', summary: 'spoken language, ISO 639-1 (default: detect)' },
    prompt: {
      type: 'string',
      value: 'TEXT',
      summary: 'text that precedes the recording, for spelling and style',
    },
    translate: { type: 'boolean', summary: 'translate to English' },
    model: { type: 'string', short: 'm', value: 'MODEL', summary: 'model (default: the service chooses)' },
  },
  examples: [
    'sotto transcribe interview.mp3',
    'arecord -f S16_LE -r 16000 | sotto transcribe - --format srt > a.srt',
    'arecord -t raw -f S16_LE -r 16000 | sotto transcribe --live --rate 16000 -',
  ],
  async run(context, args, flags) {
    const format = flags.format ?? (context.global.json ? 'json' : 'text')
    const isLive = flags.live === true
    const isStream = isLive || flags.stream === true
    if (isStream && flags.format !== undefined && flags.format !== 'text') {
      const name = isLive ? '--live' : '--stream'
      throw cliError('CLI_USAGE', `${name} prints plain text; other formats need the whole recording`, {
        hint: `leave out ${name} or --format; ${name} --json prints one event a line`,
      })
    }
    if (flags.rate !== undefined && !isLive)
      throw cliError('CLI_USAGE', '--rate is for --live', { hint: 'files say their own rate' })
    const input = await openInput(context.io, args)
    const config = await context.config()
    const sotto = await openService(context, flags)
    const asked = {
      model: flags.model ?? config.get('model.transcribe')?.value,
      language: flags.language,
      prompt: flags.prompt,
    }
    const path = flags.translate ? '/audio/translations' : '/audio/transcriptions'
    if (isLive) {
      const { rate, translate } = flags
      const options = {
        ...defined(asked),
        ...(rate !== undefined && { sampleRate: rate }),
        ...(translate && { translate }),
      }
      const live = transcribeWhileSpoken(context, sotto, input.stream(), options)
      await printEvents(context, live.events)
      const receipts = await keepReceipts(context, live.receipts, flags.receipt)
      if (context.global.json) await printProvenance(context, provenance(sotto, receipts.at(-1)))
      return
    }
    // Somebody waits in front of it: they see how far it is, and a terminal what was understood so far.
    const { stderr } = context.io
    const isFollowed = !isStream && format === 'text' && stderr.isTerminal && !context.global.quiet
    const isEvents = isStream || isFollowed
    const { init, seconds } = uploadOf(context, input, {
      ...asked,
      response_format: isEvents ? 'json' : format,
      stream: isEvents ? 'true' : undefined,
    })
    const response = await callService(sotto, path, init)
    if (isFollowed) await followEvents(context, readEvents(response), seconds)
    else if (isStream) await printEvents(context, readEvents(response))
    const whole = isEvents ? undefined : await readWhole(context, response, format)
    const receipt = await finishReceipt(context, sotto, response, flags.receipt)
    const sources = provenance(sotto, receipt)
    if (whole !== undefined && context.global.json) context.json({ ...whole, sotto: sources })
    else if (context.global.json) await printProvenance(context, sources)
  },
})

/** The last line of a stream of events. */
async function printProvenance(context: CommandContext, sotto: Record<string, unknown>): Promise<void> {
  await context.io.stdout.write(`${printableJson({ type: 'sotto', sotto })}\n`)
}

function defined(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

async function readWhole(
  context: CommandContext,
  response: Response,
  format: string,
): Promise<Record<string, unknown>> {
  if (format === 'json' || format === 'verbose_json') {
    const value = await readJson(response)
    if (!context.global.json) context.json(value)
    return value
  }
  const text = await response.text()
  if (!context.global.json) {
    const to = context.foreign()
    await to.write(text === '' ? '\n' : text)
    await to.end()
  }
  return { text }
}
