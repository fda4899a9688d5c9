import { cliError } from '../errors.ts'
import type { EngineChoice } from './engine-of.ts'
import type { HubFile } from './hub.ts'
import { FILE_NAME, MAX_MODEL_FILES, type FileRole } from './manifest.ts'

/** A file to fetch: where it lies on the hub, what it is called here and what it is to its engine. */
export interface WantedFile extends HubFile {
  name: string
  role: FileRole
}

/** Kinds of ONNX graphs that `--variant` takes, by what stands at the end of their name. */
export const VARIANTS = {
  quantized: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  fp32: '',
  fp16: '_fp16',
  q8: '_q8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const

/** One of {@link VARIANTS}. */
export type Variant = keyof typeof VARIANTS

/** Without `--variant`: small ones first, and those that a CPU is good at. */
const PREFERRED: readonly Variant[] = ['quantized', 'int8', 'uint8', 'fp32', 'fp16']

/** JSON files by name on the hub; absent ones are left out. */
const SIDE_FILES: Readonly<Record<string, { name: string; role: FileRole; only?: EngineChoice['engine'] }>> =
  {
    'config.json': { name: 'config.json', role: 'config' },
    'generation_config.json': { name: 'generation_config.json', role: 'config' },
    'preprocessor_config.json': { name: 'preprocessor_config.json', role: 'config' },
    'tokenizer.json': { name: 'tokenizer.json', role: 'tokenizer' },
    'tokenizer_config.json': { name: 'tokenizer_config.json', role: 'tokenizer' },
    'vocab.json': { name: 'vocab.json', role: 'tokenizer', only: 'ctc' },
    'sentence_bert_config.json': { name: 'sentence_bert_config.json', role: 'config', only: 'embedding' },
    '1_Pooling/config.json': { name: 'pooling.json', role: 'config', only: 'embedding' },
    'pooling.json': { name: 'pooling.json', role: 'config', only: 'embedding' },
  }

/** Folders in which exports keep their graphs, likeliest first. */
const FOLDERS = ['onnx/', '']

/**
 * The files of an ONNX export that its engine reads: configuration, tokenizer, one variant of each graph and
 * the external data of these graphs.
 *
 * @throws `CLI_MODEL` where the repository lacks a graph
 */
export function chooseOnnxFiles(
  files: readonly HubFile[],
  { engine }: EngineChoice,
  variant?: Variant,
): WantedFile[] {
  const chosen: WantedFile[] = []
  for (const [path, { only, name, role }] of Object.entries(SIDE_FILES)) {
    const file = files.find((candidate) => candidate.path === path)
    if (file === undefined || (only !== undefined && only !== engine)) continue
    if (!chosen.some((other) => other.name === name)) chosen.push({ ...file, name, role })
  }
  for (const folder of FOLDERS) {
    for (const candidate of variant === undefined ? PREFERRED : [variant]) {
      const graphs = graphsOf(files, engine, folder, VARIANTS[candidate])
      if (graphs !== undefined) return checked([...chosen, ...graphs])
    }
  }
  const offered = files.map(({ path }) => path).filter((path) => path.endsWith('.onnx'))
  throw cliError('CLI_MODEL', 'the repository has not the graphs its engine needs', {
    expected: `${expectedGraphs(engine)}${variant === undefined ? '' : ` as ${variant}`}`,
    found: offered.length === 0 ? 'no ONNX graph' : list(offered),
    hint: 'look for an ONNX export of this model (onnx-community has many), or choose another --variant',
  })
}

/**
 * The one GGUF file to fetch.
 * @throws `CLI_MODEL` where `--file` must choose, or the model is split in several
 */
export function chooseGgufFile(files: readonly HubFile[], path?: string): WantedFile[] {
  const offered = files.filter((file) => file.path.toLowerCase().endsWith('.gguf'))
  const matching = path === undefined ? offered : offered.filter((file) => file.path === path)
  const [file] = matching
  if (file === undefined || matching.length > 1)
    throw cliError(
      'CLI_MODEL',
      file === undefined ? 'the repository has no such GGUF file' : 'the repository has several GGUF files',
      { found: list(offered.map((candidate) => candidate.path)), hint: 'choose one with --file' },
    )
  if (/-\d{5}-of-\d{5}\.gguf$/i.test(file.path))
    throw cliError('CLI_MODEL', 'the model is split into several GGUF files, which the engine cannot read', {
      found: file.path,
    })
  return checked([{ ...file, name: baseName(file.path), role: 'weights' }])
}

function graphsOf(
  files: readonly HubFile[],
  engine: EngineChoice['engine'],
  folder: string,
  suffix: string,
): WantedFile[] | undefined {
  const graph = (name: string, role: FileRole): WantedFile[] => {
    const path = `${folder}${name}${suffix}.onnx`
    const file = files.find((candidate) => candidate.path === path)
    if (file === undefined) return []
    // Graphs above 2 GB keep their weights beside them, in files whose names continue their own.
    const data = files.filter(({ path: other }) => /^[._]data(_\d+)?$/.test(tail(other, path)))
    return [
      { ...file, name: baseName(path), role },
      ...data.map((entry): WantedFile => ({ ...entry, name: baseName(entry.path), role: 'weights-data' })),
    ]
  }
  if (engine === 'ctc' || engine === 'embedding') {
    const model = graph('model', 'weights')
    return model.length === 0 ? undefined : model
  }
  const encoder = graph('encoder_model', 'encoder')
  const merged = graph('decoder_model_merged', 'decoder')
  const decoder =
    merged.length > 0
      ? merged
      : [...graph('decoder_model', 'decoder'), ...graph('decoder_with_past_model', 'decoder')]
  const hasFirst = decoder.some(({ name }) => name.startsWith(`decoder_model`))
  return encoder.length > 0 && hasFirst ? [...encoder, ...decoder] : undefined
}

function expectedGraphs(engine: EngineChoice['engine']): string {
  return engine === 'ctc' || engine === 'embedding'
    ? 'model.onnx'
    : 'encoder_model.onnx and decoder_model_merged.onnx, or decoder_model.onnx'
}

/** The hub controls the names: one that could leave the folder, or comes twice, is refused. */
function checked(files: WantedFile[]): WantedFile[] {
  const bad = files.find(({ name }) => !FILE_NAME.test(name))
  if (bad !== undefined)
    throw cliError('CLI_MODEL', 'a file of the repository has a name that no model can have', {
      found: bad.name,
    })
  if (new Set(files.map(({ name }) => name)).size !== files.length || files.length > MAX_MODEL_FILES)
    throw cliError('CLI_MODEL', 'the repository has too many files for one model')
  return files
}

function tail(path: string, start: string): string {
  return path.startsWith(start) ? path.slice(start.length) : 'other'
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function list(names: readonly string[]): string {
  return names.length > 12
    ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more`
    : names.join(', ')
}
