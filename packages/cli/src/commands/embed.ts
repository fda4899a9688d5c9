import { cliError } from '../errors.ts'
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
import { printableJson } from '../terminal/index.ts'

/** Inputs of one request at most, as OpenAI allows. */
const MAX_INPUTS = 2048

/** `sotto embed TEXT...` */
export const embed: Command = defineCommand({
  path: ['embed'],
  summary: 'Turn texts into vectors',
  description: 'Prints one JSON array for each text, in order.',
  arguments: [
    {
      name: 'TEXT',
      summary: 'texts; - reads one text per line from standard input',
      required: true,
      variadic: true,
    },
  ],
  flags: {
    ...TARGET_FLAGS,
    ...RECEIPT_FLAG,
    dimensions: {
      type: 'number',
      value: 'N',
      summary: 'shorten each vector',
      min: 1,
      max: 65_536,
      integer: true,
    },
    model: { type: 'string', short: 'm', value: 'MODEL', summary: 'model (default: the service chooses)' },
  },
  examples: ["sotto embed 'a secret'", 'sotto embed - < lines.txt > vectors.jsonl'],
  async run(context, args, flags) {
    const inputs: string[] = []
    for (const [index, text] of args.entries()) {
      if (text !== '-') inputs.push(text)
      else inputs.push(...linesOf(await readText(await openInput(context.io, args, index))))
    }
    if (inputs.length > MAX_INPUTS)
      throw cliError('CLI_USAGE', `at most ${MAX_INPUTS} texts at once`, { found: String(inputs.length) })
    const config = await context.config()
    const sotto = await openService(context, flags)
    const body = {
      model: flags.model ?? config.get('model.embed')?.value,
      input: inputs,
      dimensions: flags.dimensions,
    }
    const response = await postJson(sotto, '/embeddings', body, context.signal)
    const value = await readJson(response)
    if (!context.global.json) {
      for (const item of vectorsOf(value, inputs.length))
        await context.io.stdout.write(`${printableJson(item)}\n`)
    }
    const receipt = await finishReceipt(context, sotto, response, flags.receipt)
    if (context.global.json) context.json({ ...value, sotto: provenance(sotto, receipt) })
  },
})

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line !== '')
}

function vectorsOf(value: Record<string, unknown>, count: number): unknown[] {
  const data = value['data']
  if (!Array.isArray(data) || data.length !== count)
    throw cliError('CLI_SERVICE', 'the service answered with another number of vectors')
  return data.map((item: { embedding?: unknown }) => item.embedding)
}
