import { createHash } from 'node:crypto'
import { engineError } from './errors.ts'
import type { EngineName, ModelFileEntry, ModelFileRole, ModelManifest, ModelTask } from './types.ts'

/** Bytes of a manifest at most. */
export const MAX_MANIFEST_BYTES: number = 256 * 1024
/** Files of a model at most. */
export const MAX_MODEL_FILES = 64

const ENGINES: readonly EngineName[] = [
  'ctc',
  'whisper',
  'seq2seq',
  'embedding',
  'onnx',
  'gguf',
  'extractive',
]
const TASKS: readonly ModelTask[] = [
  'transcription',
  'text-generation',
  'summarization',
  'embedding',
  'tensors',
]
const ROLES: readonly ModelFileRole[] = [
  'weights',
  'encoder',
  'decoder',
  'weights-data',
  'tokenizer',
  'config',
]
const FIELDS = ['format', 'id', 'task', 'engine', 'files', 'digest', 'license', 'description']
const ID = /^[a-z0-9][a-z0-9._/-]{0,127}$/
const FILE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/
const SHA256 = /^[0-9a-f]{64}$/

/**
 * The digest of a model: SHA-256 over the text
 * `sotto-model/1 LF engine SP task LF` and, sorted by name, `sha256 SP size SP role SP name LF` for each file.
 * Names cannot hold a space or line feed, so no two models share a text. Independent of id, license and description.
 */
export function modelDigest(model: Pick<ModelManifest, 'engine' | 'task' | 'files'>): string {
  const sorted = model.files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const lines = sorted.map((file) => `${file.sha256} ${file.size} ${file.role} ${file.name}\n`)
  return createHash('sha256')
    .update(`sotto-model/1\n${model.engine} ${model.task}\n${lines.join('')}`)
    .digest('hex')
}

/**
 * Parses a manifest (`manifest.json`), which whoever supplies the model controls. Unknown fields, repeated names
 * and a digest that is not that of the listed files are refused. The files themselves are checked when they load.
 *
 * @throws `ENGINE_MODEL_INVALID`
 */
export function parseModelManifest(text: string): ModelManifest {
  if (text.length > MAX_MANIFEST_BYTES) throw invalid('manifest is too large')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'manifest is not JSON', { cause })
  }
  const fields = record(value, FIELDS, 'manifest')
  if (fields['format'] !== 'sotto-model/1') throw invalid('manifest format is not known', 'sotto-model/1')
  if (!Array.isArray(fields['files']) || fields['files'].length > MAX_MODEL_FILES)
    throw invalid('manifest field files is not a list of at most 64')
  const files = fields['files'].map(parseFile)
  if (new Set(files.map((file) => file.name)).size !== files.length)
    throw invalid('manifest names a file twice')
  const manifest: ModelManifest = {
    format: 'sotto-model/1',
    id: matching(fields['id'], ID, 'id'),
    task: member(fields['task'], TASKS, 'task'),
    engine: member(fields['engine'], ENGINES, 'engine'),
    files,
    digest: matching(fields['digest'], SHA256, 'digest'),
    ...optionalText(fields, 'license'),
    ...optionalText(fields, 'description'),
  }
  const digest = modelDigest(manifest)
  if (digest !== manifest.digest) {
    throw engineError('ENGINE_MODEL_INVALID', 'manifest digest is not that of its files', {
      expected: manifest.digest,
      found: digest,
    })
  }
  return manifest
}

function parseFile(value: unknown): ModelFileEntry {
  const fields = record(value, ['name', 'sha256', 'size', 'role'], 'file')
  const size = fields['size']
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw invalid('file size is not a counting number')
  return {
    name: matching(fields['name'], FILE_NAME, 'file name'),
    sha256: matching(fields['sha256'], SHA256, 'file sha256'),
    size: size as number,
    role: member(fields['role'], ROLES, 'file role'),
  }
}

function record(value: unknown, known: readonly string[], what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${what} is not an object`)
  for (const key of Object.keys(value))
    if (!known.includes(key)) throw invalid(`${what} has an unknown field`)
  return { __proto__: null, ...value }
}

function matching(value: unknown, pattern: RegExp, what: string): string {
  if (typeof value !== 'string' || !pattern.test(value))
    throw invalid(`manifest field ${what} is malformed`, pattern.source)
  return value
}

function member<T extends string>(value: unknown, known: readonly T[], what: string): T {
  const found = known.find((name) => name === value)
  if (found === undefined) throw invalid(`manifest field ${what} is not known`, known.join(', '))
  return found
}

function optionalText<K extends string>(fields: Record<string, unknown>, key: K): { [P in K]?: string } {
  const value = fields[key]
  if (value === undefined) return {}
  if (typeof value !== 'string' || value.length > 2000) throw invalid(`manifest field ${key} is malformed`)
  return { [key]: value } as { [P in K]?: string }
}

function invalid(message: string, expected?: string): Error {
  return engineError('ENGINE_MODEL_INVALID', message, expected === undefined ? {} : { expected })
}
