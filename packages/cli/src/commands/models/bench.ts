import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { openInput, readText } from '../../input/index.ts'
import {
  benchProgram,
  type Figures,
  formatTable,
  measureModel,
  openBenchModel,
  openRecordings,
  startBench,
  writePage,
} from '../../models/bench/index.ts'
import { findLayout } from '../../stack/layout.ts'

/** More is no better measurement, and a slow model takes minutes for it. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024
const DEFAULT_CHUNK = 512
const DEFAULT_PROMPT = 256
const DEFAULT_GENERATE = 128
/** Above it, others compute on this machine as well. */
const BUSY_SHARE = 0.5

/** `sotto models bench FILE…` */
export const modelsBench: Command = defineCommand({
  path: ['models', 'bench'],
  summary: 'Measure models: size, memory, speed and quality',
  description:
    'Runs each model in the engine that would serve it, on this machine, and prints a table. For GGUF files: memory,\n' +
    'time per token, speed of the prompt, and the perplexity of a text as llama.cpp defines it (lower is better;\n' +
    'compare only what was measured on the same text). For folders of speech models: time to transcribe over length\n' +
    'of the recording (RTF), and words wrong over words said (WER).',
  arguments: [{ name: 'FILE', summary: '.gguf file, or folder of a model', required: true, variadic: true }],
  flags: {
    text: {
      type: 'string',
      value: 'FILE',
      summary: 'text for the perplexity (default: minutes, letters and reports of our own)',
    },
    audio: {
      type: 'string',
      value: 'FILE|DIR',
      summary: 'recording, or folder of recordings with a ref.json of what is said',
    },
    reference: { type: 'string', value: 'TEXT', summary: 'what is said in the one recording' },
    context: {
      type: 'number',
      value: 'N',
      summary: `tokens of a chunk of the text (default: ${DEFAULT_CHUNK}, or what the model was trained for)`,
      min: 16,
      max: 131_072,
      integer: true,
    },
    prompt: {
      type: 'number',
      value: 'N',
      summary: `tokens of a prompt (default: ${DEFAULT_PROMPT})`,
      min: 1,
      max: 65_536,
      integer: true,
    },
    generate: {
      type: 'number',
      value: 'N',
      summary: `tokens to generate (default: ${DEFAULT_GENERATE})`,
      min: 8,
      max: 65_536,
      integer: true,
    },
    threads: {
      type: 'number',
      value: 'N',
      summary: 'compute threads (default: cores - 1)',
      min: 1,
      max: 1024,
      integer: true,
    },
    html: { type: 'string', value: 'FILE', summary: 'write tables and plots to this page as well' },
  },
  examples: [
    'sotto models bench model-q8_0.gguf model-q4_0.gguf --html table.html',
    'sotto models bench whisper-base --audio recordings --json',
  ],
  async run(context, files, flags) {
    const { io, signal } = context
    if (flags.reference !== undefined && flags.audio === undefined)
      throw cliError('CLI_USAGE', '--reference says what is in a recording', { hint: 'pass --audio FILE' })
    // Everything is looked at before anything is measured: the third file of three fails in a second.
    const models = []
    for (const file of files) models.push(await openBenchModel(io.cwd, file, signal))
    const recordings =
      flags.audio === undefined ? undefined : await openRecordings(io.cwd, flags.audio, flags.reference)
    if (recordings === undefined && models.some(({ kind }) => kind === 'speech'))
      throw cliError('CLI_USAGE', 'a speech model is measured on recordings', {
        hint: 'pass --audio FILE --reference TEXT, or --audio FOLDER with a ref.json',
      })
    const program = benchProgram()
    const text = models.some(({ kind }) => kind === 'text') ? await textOf(context, flags.text) : ''
    const machine = machineOf(flags.threads)
    if (machine.busy) context.note(`warning: ${machine.busy}`)
    const bench = startBench(program, signal)
    context.onExit(() => bench.close())
    const rows: Figures[] = []
    for (const model of models) {
      context.note(`measuring ${model.label.file} ...`)
      const inputs = {
        text,
        recordings,
        chunkTokens: flags.context ?? DEFAULT_CHUNK,
        promptTokens: flags.prompt ?? DEFAULT_PROMPT,
        generateTokens: flags.generate ?? DEFAULT_GENERATE,
        threads: flags.threads,
      }
      rows.push(
        await measureModel(bench, model, inputs, (done, of) =>
          context.detail(`${model.label.file}: ${done} of ${of}`),
        ),
      )
    }
    const about = aboutOf(rows, machine, flags.text)
    if (flags.html !== undefined) await writeHtml(context, flags.html, writePage(rows, { lines: about }))
    if (context.global.json) return context.json({ machine, models: rows })
    for (const line of formatTable(rows)) context.out(line)
    for (const line of about) context.note(line)
  },
})

async function textOf(context: CommandContext, file: string | undefined): Promise<string> {
  if (file !== undefined) return readText(await openInput(context.io, [file]), MAX_TEXT_BYTES)
  const path = join(findLayout().models, 'demo', 'notes.txt')
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause, hint: 'name a text with --text' })
  })
}

interface MachineAbout {
  readonly processor: string
  readonly cores: number
  readonly threads: number
  /** Processes that wanted to run in the last minute, on average, when the measurement began. */
  readonly load: number
  /** Why times are longer than they would be; absent on a quiet machine. */
  readonly busy?: string
}

function machineOf(threads: number | undefined): MachineAbout {
  const cores = availableParallelism()
  const load = Math.round(loadavg()[0]! * 10) / 10
  const busy =
    load > BUSY_SHARE * cores
      ? `this machine is busy (load ${load} on ${cores} cores): all times are longer than they would be`
      : undefined
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores,
    threads: threads ?? Math.max(1, cores - 1),
    load,
    ...(busy !== undefined && { busy }),
  }
}

function aboutOf(rows: readonly Figures[], machine: MachineAbout, text: string | undefined): string[] {
  const { processor, cores, threads, busy } = machine
  const first = rows.find((row) => row.kind === 'text')
  const spoken = rows.find((row) => row.kind === 'speech')
  const lines = [
    `${processor}, ${cores} cores, ${threads} ${threads === 1 ? 'thread' : 'threads'}${busy === undefined ? '' : `; ${busy}`}.`,
  ]
  if (first !== undefined)
    lines.push(
      `Perplexity as llama.cpp defines it, on ${text ?? 'minutes, letters and reports of our own'} in chunks of ${first.chunkTokens} tokens; memory with a context of ${first.contextTokens}.`,
    )
  if (spoken !== undefined)
    lines.push(`${spoken.recordings} recordings of ${spoken.audioSeconds.toFixed(1)} s together.`)
  return lines
}

async function writeHtml(context: CommandContext, file: string, page: string): Promise<void> {
  const path = resolve(context.io.cwd, file)
  await writeWhole(path, new TextEncoder().encode(page), 0o644).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot write ${path}`, { cause, hint: 'choose another place with --html' })
  })
  context.note(`wrote ${file}`)
}
