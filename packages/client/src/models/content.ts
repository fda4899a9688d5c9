import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { SottoError } from '@sotto/protocol/errors'
import {
  createModelManifest,
  MAX_MANIFEST_BYTES,
  MODEL_FILE_NAME,
  type ModelEngine,
  type ModelFileEntry,
  type ModelFileRole,
  type ModelManifest,
  type ModelTask,
  parseModelManifest,
} from '@sotto/protocol/model-manifest'
import { clientError } from '../errors.ts'
import { chunksOf } from '../streams.ts'

/** Files of a model by name. A `Blob` is read piece by piece, as often as needed (`fs.openAsBlob` makes one of a file). */
export type ModelFiles = Readonly<Record<string, Blob>>

/** What a model is, where no `manifest.json` says so. */
export interface ModelAbout {
  /** Default: by the kind of file; an ONNX model is `tensors`, a GGUF model `text-generation`. */
  task?: ModelTask
  engine?: ModelEngine
  license?: string
  description?: string
}

/** A model whose manifest is known. */
export interface ModelContent {
  manifest: ModelManifest
  /** The manifest as it is sealed. */
  metadata: string
  bytes: number
  /**
   * The files one after the other, in the manifest's order, from the first byte: each is compared with the manifest
   * as it goes by, and the last piece of a file that is another one is not given away.
   * @throws `MODEL_SOURCE`
   */
  read(signal?: AbortSignal): AsyncGenerator<Uint8Array>
  /** `MODEL_SOURCE`, where a file is another one when it is read again. */
  changed(): SottoError
}

/**
 * The model of these files: as `manifest.json` among them says, or as the kind of the one model file says.
 * @param id what the manifest calls it
 * @throws `MODEL_SOURCE`
 */
export async function modelContent(
  files: ModelFiles,
  id: string,
  about: ModelAbout = {},
  signal?: AbortSignal,
): Promise<ModelContent> {
  const given = files['manifest.json']
  const manifest = given === undefined ? await describe(files, id, about, signal) : await parse(given, files)
  const metadata = JSON.stringify(manifest)
  const bytes = manifest.files.reduce((sum, { size }) => sum + size, 0)
  return {
    manifest,
    metadata,
    bytes,
    read: (cancel) => readAll(manifest, files, cancel),
    changed: () => source('the model changed while it was sealed'),
  }
}

async function parse(file: Blob, files: ModelFiles): Promise<ModelManifest> {
  if (file.size > MAX_MANIFEST_BYTES) throw source('manifest.json is too large to be one')
  let manifest: ModelManifest
  try {
    manifest = parseModelManifest(await file.text())
  } catch (cause) {
    const { message, expected, found } = cause as SottoError
    throw source(`manifest.json is none: ${message}`, {
      cause,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
  for (const { name, size } of manifest.files) {
    const found = Object.hasOwn(files, name) ? files[name]!.size : undefined
    if (found !== size)
      throw source(`${name} is not the file of the manifest`, {
        expected: `${size} bytes`,
        found: found === undefined ? 'no such file' : `${found} bytes`,
      })
  }
  return manifest
}

const KINDS: readonly [ending: RegExp, engine: ModelEngine, task: ModelTask][] = [
  [/\.gguf$/i, 'gguf', 'text-generation'],
  [/\.onnx$/i, 'onnx', 'tensors'],
]

async function describe(
  files: ModelFiles,
  id: string,
  about: ModelAbout,
  signal?: AbortSignal,
): Promise<ModelManifest> {
  const names = Object.keys(files)
  const weights = names.filter((name) => KINDS.some(([ending]) => ending.test(name)))
  const kind = KINDS.find(([ending]) => ending.test(weights[0] ?? ''))
  if (kind === undefined || weights.length !== 1)
    throw source('these files do not say what model they are', {
      expected: 'a manifest.json, or one .gguf or .onnx file',
      found: names.slice(0, 8).join(', ') || 'no file',
    })
  const [, engine, task] = kind
  const entries: ModelFileEntry[] = []
  for (const name of names.sort()) {
    if (!MODEL_FILE_NAME.test(name))
      throw source('a file of a model cannot have that name', { expected: MODEL_FILE_NAME.source })
    const file = files[name]!
    entries.push({
      name,
      sha256: await sha256Of(file, signal),
      size: file.size,
      role: roleOf(name, weights[0]!),
    })
  }
  const { task: asked = task, engine: wanted = engine, ...words } = about
  try {
    const manifest = createModelManifest({ id, task: asked, engine: wanted, files: entries, ...words })
    return parseModelManifest(JSON.stringify(manifest))
  } catch (cause) {
    throw source((cause as Error).message, { cause })
  }
}

/** Beside the one model file: its external data, what its tokenizer needs, and settings. */
function roleOf(name: string, weights: string): ModelFileRole {
  if (name === weights) return 'weights'
  if (/tokenizer|vocab|merges/i.test(name)) return 'tokenizer'
  return name.endsWith('.json') ? 'config' : 'weights-data'
}

async function* readAll(
  { files: entries }: ModelManifest,
  files: ModelFiles,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (const { name, size, sha256 } of entries) {
    const hash = crypto.createHash('sha256')
    let read = 0
    let held: Uint8Array | undefined
    for await (const chunk of bytesOf(files[name]!, name, signal)) {
      if (held !== undefined) yield held
      hash.update(chunk)
      read += chunk.length
      held = chunk
    }
    if (read !== size || toHex(hash.digest()) !== sha256)
      throw source(`${name} is not the file of the manifest, or changed while it was read`, {
        expected: `${size} bytes, ${sha256}`,
      })
    if (held !== undefined) yield held
  }
}

async function sha256Of(file: Blob, signal?: AbortSignal): Promise<string> {
  const hash = crypto.createHash('sha256')
  for await (const chunk of bytesOf(file, 'a file', signal)) hash.update(chunk)
  return toHex(hash.digest())
}

async function* bytesOf(file: Blob, name: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of chunksOf(file.stream())) {
      signal?.throwIfAborted()
      yield chunk
    }
  } catch (cause) {
    signal?.throwIfAborted()
    throw source(`${name} cannot be read, or changed while it was read`, { cause })
  }
}

/** A {@link SottoError} about what was to be sealed. */
export function source(
  message: string,
  options: { expected?: string; found?: string; cause?: unknown } = {},
): SottoError {
  return clientError('MODEL_SOURCE', message, options)
}
