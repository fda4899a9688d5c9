import { bleu, rouge } from '@sotto/client/quality'
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
    reference: {
      type: 'string',
      value: 'FILE',
      summary: 'summary to compare with: prints ROUGE, BLEU-4 and the time it took',
    },
    model: { type: 'string', short: 'm', value: 'MODEL', summary: 'model (default: the service chooses)' },
  },
  examples: ['sotto summarize report.txt --max-words 60', 'sotto transcribe call.mp3 | sotto summarize -'],
  async run(context, args, flags) {
    const files = [...args, ...(flags.reference === undefined ? [] : [flags.reference])]
    const text = await readText(await openInput(context.io, files))
    const reference =
      flags.reference === undefined ? undefined : await readText(await openInput(context.io, files, 1))
    const config = await context.config()
    const sotto = await openService(context, flags)
    const body = {
      model: flags.model ?? config.get('model.summarize')?.value,
      input: text,
      min_words: flags['min-words'],
      max_words: flags['max-words'],
    }
    const started = performance.now()
    const response = await postJson(sotto, '/summaries', body, context.signal)
    const value = await readJson(response)
    const seconds = (performance.now() - started) / 1000
    const quality =
      reference === undefined ? undefined : compareWith(reference, String(value['summary']), seconds)
    if (!context.global.json) {
      const to = context.foreign()
      await to.write(typeof value['summary'] === 'string' ? value['summary'] : JSON.stringify(value))
      await to.write('\n')
    }
    const receipt = await finishReceipt(context, sotto, response, flags.receipt)
    if (context.global.json)
      context.json({ ...value, ...(quality && { quality }), sotto: provenance(sotto, receipt) })
    else if (quality) context.note(describe(quality))
  },
})

/** A summary beside a reference: F1 of each ROUGE, BLEU-4, and what it took. */
interface Quality {
  rouge1: number
  rouge2: number
  rougeL: number
  bleu: number
  seconds: number
}

function compareWith(reference: string, summary: string, seconds: number): Quality {
  const { rouge1, rouge2, rougeL } = rouge(summary, reference)
  return {
    rouge1: rouge1.f1,
    rouge2: rouge2.f1,
    rougeL: rougeL.f1,
    bleu: bleu(summary, reference),
    seconds,
  }
}

function describe({ rouge1, rouge2, rougeL, bleu: score, seconds }: Quality): string {
  const [one, two, longest, four] = [rouge1, rouge2, rougeL, score].map((value) => value.toFixed(3))
  return `ROUGE-1 ${one}, ROUGE-2 ${two}, ROUGE-L ${longest} (F1), BLEU-4 ${four}, ${seconds.toFixed(1)} s`
}
