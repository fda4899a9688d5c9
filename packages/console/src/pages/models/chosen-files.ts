import { modelNameOf } from '@sotto/client/models'
import { MAX_MODEL_FILES } from '@sotto/protocol/model-manifest'
import { words } from '../../words/index.ts'

/** Files that are to be a model, by name, and what it may be called. */
export interface ChosenFiles {
  files: Readonly<Record<string, File>>
  bytes: number
  name: string
}

/** With its manifest. */
const MAX_FILES = MAX_MODEL_FILES + 1
/** What people and tools leave in a folder of a model, and no engine reads: as the command leaves out. */
const NOT_OF_THE_MODEL = /^(\.|README|LICENSE|MODEL_CARD|model\.sig$)/i
const WEIGHTS = /\.(gguf|onnx)$/i

/** @throws `Error` in words for people. What is inside the files is looked at when they are sealed. */
export function chooseFiles(list: readonly File[]): ChosenFiles {
  const own = words.models.upload.refused
  const kept = list.length === 1 ? list : list.filter(({ name }) => !NOT_OF_THE_MODEL.test(name))
  if (kept.some(({ name }) => name.endsWith('.sealed'))) throw new Error(own.sealed)
  if (kept.length > MAX_FILES) throw new Error(own.many(MAX_FILES))
  const weights = kept.find(({ name }) => WEIGHTS.test(name))
  const manifest = kept.find(({ name }) => name === 'manifest.json')
  const named = weights ?? manifest
  if (named === undefined) throw new Error(own.none)
  const empty = kept.find(({ size }) => size === 0)
  if (empty !== undefined) throw new Error(own.empty(empty.name))
  const folder = (named.webkitRelativePath ?? '').split('/').at(-2)
  return {
    files: Object.fromEntries(kept.map((file) => [file.name, file])),
    bytes: kept.reduce((sum, file) => sum + (file === manifest ? 0 : file.size), 0),
    name: modelNameOf(weights?.name ?? folder ?? 'model') ?? 'model',
  }
}

const [LEAST_PART, MOST_PART] = [1024 * 1024, 8 * 1024 * 1024]

/** Bytes of one request: small files show how far they are, large ones are not cut into thousands. */
export function partBytesOf(bytes: number): number {
  return Math.min(MOST_PART, Math.max(LEAST_PART, Math.ceil(bytes / 16)))
}
