import { relative } from 'node:path'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import {
  modelsFolder,
  openHub,
  pullModel,
  type PulledModel,
  type Variant,
  VARIANTS,
} from '../../models/index.ts'
import { createProgress, formatBytes } from '../../terminal/index.ts'

/** Hub when neither `--hub` nor `SOTTO_HUB` names one. */
const DEFAULT_HUB = 'https://huggingface.co'
const REPOSITORY = /^(?:[A-Za-z0-9][\w.-]{0,95}\/)?[A-Za-z0-9][\w.-]{0,95}$/
const REVISION = /^[A-Za-z0-9][\w./-]{0,199}$/
const DIGEST = /^[0-9a-f]{64}$/

/** `sotto models pull REPO[@REVISION]` */
export const modelsPull: Command = defineCommand({
  path: ['models', 'pull'],
  summary: 'Fetch a model from a hub, by name and digest',
  description:
    'Takes the files an engine needs (ONNX exports of Whisper, wav2vec2, T5, BART and\n' +
    'BERT-like sentence encoders, or one GGUF file), verifies each against the digest\n' +
    'the hub lists, and writes the model with its manifest.json. With --digest the hub\n' +
    'itself need not be trusted: it names the model by its content, as receipts do.\n' +
    'An interrupted pull goes on where it stopped. HF_TOKEN opens gated models.',
  arguments: [{ name: 'REPO[@REVISION]', summary: 'owner/name, and branch, tag or commit', required: true }],
  flags: {
    digest: { type: 'string', value: 'HEX', summary: 'refuse any model but the one of this digest' },
    file: { type: 'string', value: 'PATH', summary: 'the GGUF file of the repository to take' },
    variant: {
      type: 'string',
      value: 'KIND',
      summary: 'ONNX graphs to take (default: quantized where there are)',
      choices: Object.keys(VARIANTS) as Variant[],
    },
    name: { type: 'string', value: 'NAME', summary: 'name for requests (default: owner/name in lower case)' },
    hub: { type: 'string', value: 'URL', summary: `hub, or a mirror of one (default: ${DEFAULT_HUB})` },
    dir: { type: 'string', value: 'DIR', summary: 'folder of models (default: ~/.local/share/sotto/models)' },
    replace: { type: 'boolean', summary: 'take the place of another model of that name' },
  },
  examples: [
    'sotto models pull onnx-community/whisper-base',
    'sotto models pull bartowski/Llama-3.2-1B-Instruct-GGUF --file Llama-3.2-1B-Instruct-Q4_K_M.gguf',
    'sotto up --models ~/.local/share/sotto/models',
  ],
  async run(context, [name = ''], flags) {
    const { io, global } = context
    const { repository, revision } = parseName(name)
    const digest = flags.digest?.toLowerCase()
    if (digest !== undefined && !DIGEST.test(digest))
      throw cliError('CLI_USAGE', '--digest takes the 64 hexadecimal digits of a model digest')
    const token = io.env['HF_TOKEN']
    const pulled = await pullModel({
      hub: openHub({
        url: flags.hub ?? (io.env['SOTTO_HUB'] || DEFAULT_HUB),
        repository,
        revision,
        fetch: io.fetch,
        ...(token && { token }),
      }),
      id: flags.name ?? repository.toLowerCase(),
      root: modelsFolder(io, flags.dir),
      replace: flags.replace,
      signal: context.signal,
      createProgress: (total) =>
        createProgress({ sink: io.stderr, label: repository, total, quiet: global.quiet, now: io.now }),
      ...(flags.file !== undefined && { file: flags.file }),
      ...(flags.variant !== undefined && { variant: flags.variant }),
      ...(digest !== undefined && { digest }),
    })
    const result = describe(pulled)
    if (global.json) return context.json(result)
    const { model, engine, task, bytes, folder } = result
    context.out(
      `${model}  ${task} (${engine}), ${formatBytes(bytes)}${result.alreadyHere ? ', already here' : ''}`,
    )
    context.out(`digest  ${result.digest}`)
    context.out(`folder  ${folder}`)
    const models = modelsFolder(io, flags.dir)
    context.note(
      `serve it: sotto up --models ${flags.dir === undefined ? models : relative(io.cwd, models) || '.'}`,
    )
  },
})

function parseName(name: string): { repository: string; revision: string } {
  const [repository = '', revision = 'main', ...rest] = name.split('@')
  if (!REPOSITORY.test(repository) || !REVISION.test(revision) || rest.length > 0)
    throw cliError('CLI_USAGE', 'that is not the name of a repository', {
      expected: 'OWNER/NAME or OWNER/NAME@REVISION',
      found: name,
    })
  return { repository, revision }
}

function describe({ manifest, folder, alreadyHere }: PulledModel): Described {
  const { id: model, engine, task, digest, files } = manifest
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  return { model, engine, task, digest, bytes, folder, alreadyHere, files }
}

interface Described {
  model: string
  engine: string
  task: string
  digest: string
  bytes: number
  folder: string
  alreadyHere: boolean
  files: readonly object[]
}
