import { type Command, defineCommand } from '../framework/index.ts'
import { openInput, readText } from '../input/index.ts'
import {
  finishReceipt,
  openService,
  postJson,
  provenance,
  readJson,
  RECEIPT_FLAG,
  TARGET_FLAGS,
} from '../service/index.ts'

/** `sotto summarize FILE` */
export const summarize: Command = defineCommand({
  path: ['summarize'],
  summary: 'Shorten a text nobody else may read',
  arguments: [{ name: 'FILE', summary: 'text, or - for standard input', required: true }],
  flags: {
    ...TARGET_FLAGS,
    ...RECEIPT_FLAG,
    'min-words': {
      type: 'number',
      value: 'N',
      summary: 'at least this long',
      min: 1,
      max: 100_000,
      integer: true,
    },
    'max-words': {
      type: 'number',
      value: 'N',
      summary: 'at most this long',
      min: 1,
      max: 100_000,
      integer: true,
    },
    model: { type: 'string', short: 'm', value: 'MODEL', summary: 'model (default: the service chooses)' },
  },
  examples: ['sotto summarize report.txt --max-words 60', 'sotto transcribe call.mp3 | sotto summarize -'],
  async run(context, args, flags) {
    const text = await readText(await openInput(context.io, args))
    const config = await context.config()
    const sotto = await openService(context, flags)
    const body = {
      model: flags.model ?? config.get('model.summarize')?.value,
      input: text,
      min_words: flags['min-words'],
      max_words: flags['max-words'],
    }
    const response = await postJson(sotto, '/summaries', body, context.signal)
    const value = await readJson(response)
    if (!context.global.json)
      context.out(typeof value['summary'] === 'string' ? value['summary'] : JSON.stringify(value))
    const receipt = await finishReceipt(context, sotto, response, flags.receipt)
    if (context.global.json) context.json({ ...value, sotto: provenance(sotto, receipt) })
  },
})
