import { createHash } from 'node:crypto'
import { cliError } from '../errors.ts'

/** Engines that can run what a hub holds. */
export type PulledEngine = 'ctc' | 'whisper' | 'seq2seq' | 'embedding' | 'gguf'

/** What a pulled model is for. */
export type PulledTask = 'transcription' | 'text-generation' | 'summarization' | 'embedding'

/** What a file is to its engine. */
export type FileRole = 'weights' | 'encoder' | 'decoder' | 'weights-data' | 'tokenizer' | 'config'

/** One file of a model as its manifest states it. `sha256` is lower-case hexadecimal, `size` bytes. */
export interface ManifestFile {
  name: string
  sha256: string
  size: number
  role: FileRole
}

/** A model as the enclave reads it (`manifest.json`, format `sotto-model/1`). */
export interface Manifest {
  format: 'sotto-model/1'
  /** What requests name in `model`. */
  id: string
  task: string
  engine: string
  files: ManifestFile[]
  digest: string
  license?: string
  description?: string
}

/** Manifests are small; a larger file is not one. The enclave has the same bound. */
const MAX_MANIFEST_BYTES = 256 * 1024
/** Files of a model at most, as in the enclave. */
export const MAX_MODEL_FILES = 64
/** Names that the enclave accepts for a model and for a file. */
export const MODEL_ID: RegExp = /^[a-z0-9][a-z0-9._/-]{0,127}$/
/** See {@link MODEL_ID}. Nothing in it can leave a folder. */
export const FILE_NAME: RegExp = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/

/**
 * The digest of a model, which policies and receipts quote: SHA-256 over the text
 * `sotto-model/1 LF engine SP task LF` and, sorted by name, `sha256 SP size SP role SP name LF` for each file.
 * The enclave computes the same from the same text, see `engines/manifest.ts` there.
 */
export function modelDigest(model: {
  engine: string
  task: string
  files: readonly Readonly<ManifestFile>[]
}): string {
  const lines = model.files
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ sha256, size, role, name }) => `${sha256} ${size} ${role} ${name}\n`)
  return createHash('sha256')
    .update(`sotto-model/1\n${model.engine} ${model.task}\n${lines.join('')}`)
    .digest('hex')
}

/** The text of a manifest with its digest. */
export function createManifest(model: Omit<Manifest, 'format' | 'digest'>): {
  manifest: Manifest
  text: string
} {
  const { id, task, engine, files, ...about } = model
  const manifest: Manifest = {
    format: 'sotto-model/1',
    id,
    task,
    engine,
    files,
    digest: modelDigest(model),
    ...about,
  }
  return { manifest, text: `${JSON.stringify(manifest, null, 2)}\n` }
}

/**
 * Reads a manifest that lies on this machine, as strictly as the enclave does: unknown fields, repeated names and
 * a digest that is not that of the listed files are refused.
 *
 * @throws `CLI_MODEL`
 */
export function parseManifest(text: string): Manifest {
  if (text.length > MAX_MANIFEST_BYTES) throw cliError('CLI_MODEL', 'a manifest is too large')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw cliError('CLI_MODEL', 'a manifest is not JSON', { cause })
  }
  const problem = isFields(value, MANIFEST_FIELDS) ? problemOf(value) : 'the whole'
  if (problem !== undefined)
    throw cliError('CLI_MODEL', 'a manifest is malformed', { expected: 'sotto-model/1', found: problem })
  const manifest = value as unknown as Manifest
  const digest = modelDigest(manifest)
  if (digest !== manifest.digest)
    throw cliError('CLI_MODEL', 'a manifest has not the digest of its files', {
      expected: manifest.digest,
      found: digest,
    })
  return manifest
}

const MANIFEST_FIELDS = ['format', 'id', 'task', 'engine', 'files', 'digest', 'license', 'description']
const FILE_FIELDS = ['name', 'sha256', 'size', 'role']
// What an enclave has: see `engines/manifest.ts` there.
const TASKS = ['transcription', 'text-generation', 'summarization', 'embedding', 'tensors']
const ENGINES = ['ctc', 'whisper', 'seq2seq', 'embedding', 'onnx', 'gguf', 'extractive']
const ROLES = ['weights', 'encoder', 'decoder', 'weights-data', 'tokenizer', 'config']
const HEX = /^[0-9a-f]{64}$/
const MAX_TEXT_LENGTH = 2000

/** The first field that is not what it must be. */
function problemOf(fields: Record<string, unknown>): string | undefined {
  const { format, id, task, engine, files, digest, license, description } = fields
  if (format !== 'sotto-model/1') return 'format'
  if (!matches(id, MODEL_ID)) return 'id'
  if (!TASKS.includes(task as string)) return 'task'
  if (!ENGINES.includes(engine as string)) return 'engine'
  if (!Array.isArray(files) || files.length > MAX_MODEL_FILES || !files.every(isFile)) return 'files'
  if (new Set(files.map(({ name }) => name)).size !== files.length) return 'files: a name twice'
  if (!matches(digest, HEX)) return 'digest'
  if (!isText(license)) return 'license'
  return isText(description) ? undefined : 'description'
}

function isFile(value: unknown): value is ManifestFile {
  if (!isFields(value, FILE_FIELDS)) return false
  const { name, sha256, size, role } = value
  const isCount = Number.isSafeInteger(size) && (size as number) >= 0
  return matches(name, FILE_NAME) && matches(sha256, HEX) && isCount && ROLES.includes(role as string)
}

function isFields(value: unknown, known: readonly string[]): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.keys(value).every((key) => known.includes(key))
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}

function isText(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && value.length <= MAX_TEXT_LENGTH)
}
