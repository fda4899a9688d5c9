import { relative } from 'node:path'
import { hasCode } from '@sotto/protocol/errors'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import {
  type CatalogueEntry,
  listModels,
  modelsFolder,
  openHub,
  pinListing,
  pullModel,
  type PulledModel,
  type Variant,
  VARIANTS,
} from '../../models/index.ts'
import { createProgress, formatBytes, type Progress } from '../../terminal/index.ts'
import { parseSource } from './pull-source.ts'

/** Hub when neither `--hub` nor `SOTTO_HUB` names one. */
const DEFAULT_HUB = 'https://huggingface.co'
const DIGEST = /^[0-9a-f]{64}$/

/** `sotto models pull NAME|REPO[@REVISION]` */
export const modelsPull: Command = defineCommand({
  path: ['models', 'pull'],
  summary: 'Fetch a model, by a name of the catalogue or from a hub',
  description:
    'NAME is one of sotto models ls --catalogue: commit, files and digests are pinned here, so that the\n' +
    'hub need not be trusted. REPO is any repository: takes the files an engine needs (ONNX exports of\n' +
    'Whisper, wav2vec2, T5, BART and BERT-like sentence encoders, or one GGUF file) and verifies each\n' +
    'against the digest the hub lists. --digest refuses any other model than that of this content, as\n' +
    'receipts name it. An interrupted pull goes on where it stopped. HF_TOKEN opens gated models.',
  arguments: [
    {
      name: 'NAME|REPO[@REVISION]',
      summary: 'whisper-tiny, or owner/name and branch, tag or commit',
      required: true,
    },
  ],
  flags: {
    digest: { type: 'string', value: 'HEX', summary: 'refuse any model but the one of this digest' },
    'trust-first': {
      type: 'boolean',
      summary: 'for a NAME without published digests: take what the hub lists, this once',
    },
    file: { type: 'string', value: 'PATH', summary: 'the GGUF file of the repository to take' },
    variant: {
      type: 'string',
      value: 'KIND',
      summary: 'ONNX graphs to take (default: quantized where there are)',
      choices: Object.keys(VARIANTS) as Variant[],
    },
    name: {
      type: 'string',
      value: 'NAME',
      summary: 'name for requests (default: NAME, or REPO in lower case)',
    },
    hub: { type: 'string', value: 'URL', summary: `hub, or a mirror of one (default: ${DEFAULT_HUB})` },
    dir: { type: 'string', value: 'DIR', summary: 'folder of models (default: ~/.local/share/sotto/models)' },
    replace: { type: 'boolean', summary: 'take the place of another model of that name' },
  },
  examples: [
    'sotto models pull whisper-tiny',
    'sotto models pull onnx-community/whisper-base',
    'sotto models pull bartowski/Llama-3.2-1B-Instruct-GGUF --file Llama-3.2-1B-Instruct-Q4_K_M.gguf',
    'sotto up --models ~/.local/share/sotto/models',
  ],
  async run(context, [name = ''], flags) {
    const { io, global } = context
    const { repository, revision, entry } = parseSource(name, flags)
    const digest = flags.digest?.toLowerCase()
    if (digest !== undefined && !DIGEST.test(digest))
      throw cliError('CLI_USAGE', '--digest takes the 64 hexadecimal digits of a model digest')
    const token = io.env['HF_TOKEN']
    const hub = openHub({
      url: flags.hub ?? (io.env['SOTTO_HUB'] || DEFAULT_HUB),
      repository,
      revision,
      fetch: io.fetch,
      ...(token && { token }),
    })
    const root = modelsFolder(io, flags.dir)
    const kept = { bytes: 0, total: 0 }
    const pulled = await pullModel({
      hub: entry === undefined ? hub : pinListing(hub, entry),
      id: flags.name ?? entry?.name ?? repository.toLowerCase(),
      root,
      replace: flags.replace,
      signal: context.signal,
      createProgress: (total) => counting(kept, total, context, entry?.name ?? repository),
      ...(entry && { choice: { engine: entry.engine, task: entry.task }, license: entry.license }),
      ...(flags.file !== undefined && { file: flags.file }),
      ...(flags.variant !== undefined && { variant: flags.variant }),
      ...(digest !== undefined && { digest }),
    }).catch(async (error: unknown) => {
      if (context.signal.aborted && kept.total > 0)
        context.note(
          `kept ${formatBytes(kept.bytes)} of ${formatBytes(kept.total)}; the same command goes on from there`,
        )
      else if (hasCode(error, 'CLI_HUB')) await noteLocal(context, root)
      throw error
    })
    const result = { ...describe(pulled), ...(entry && { catalogue: entry.name, pinned: entry.isComplete }) }
    if (global.json) return context.json(result)
    const { model, engine, task, bytes, folder } = result
    context.out(
      `${model}  ${task} (${engine}), ${formatBytes(bytes)}${result.alreadyHere ? ', already here' : ''}`,
    )
    context.out(`digest  ${result.digest}`)
    context.out(`folder  ${folder}`)
    if (entry) noteOrigin(context, entry, result.digest)
    context.note(
      `serve it: sotto up --models ${flags.dir === undefined ? root : relative(io.cwd, root) || '.'}`,
    )
  },
})

/** Progress that also remembers how much is here, should the user interrupt. */
function counting(
  kept: { bytes: number; total: number },
  total: number,
  { io, global }: CommandContext,
  label: string,
): Progress {
  kept.total = total
  const bar = createProgress({ sink: io.stderr, label, total, quiet: global.quiet, now: io.now })
  return {
    advance(bytes) {
      kept.bytes += bytes
      bar.advance(bytes)
    },
    end: () => bar.end(),
  }
}

/** What can be used without the hub. */
async function noteLocal(context: CommandContext, root: string): Promise<void> {
  const { models, partial } = await listModels(root).catch(() => ({ models: [], partial: [] }))
  const names = models.flatMap(({ manifest }) => (manifest === undefined ? [] : [manifest.id]))
  context.note(names.length === 0 ? `no models in ${root}` : `here already, in ${root}: ${names.join(', ')}`)
  for (const name of partial) context.note(`interrupted: ${name}`)
}

function noteOrigin(context: CommandContext, entry: CatalogueEntry, digest: string): void {
  context.note(`license: ${entry.license}, from ${entry.repository} at ${entry.revision.slice(0, 12)}`)
  if (!entry.isComplete)
    context.note(
      `no digests of all its files are known: elsewhere and later, require this one\n  --digest ${digest}`,
    )
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
