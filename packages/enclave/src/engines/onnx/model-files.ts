import { engineError } from '../errors.ts'
import type { EngineModel, ModelFile } from '../types.ts'

/** Bytes of a JSON file of a model at most. The largest tokenizer in use (250k pieces) has 17 MB. */
const MAX_JSON_BYTES = 64 * 1024 * 1024

/** The first file of the model with one of these names. */
export function findFile(model: EngineModel, ...names: readonly string[]): ModelFile | undefined {
  for (const name of names) {
    const file = model.files.get(name)
    if (file) return file
  }
  return undefined
}

/** Like {@link findFile}. @throws `ENGINE_MODEL_INVALID` where there is none */
export function needFile(model: EngineModel, ...names: readonly string[]): ModelFile {
  const file = findFile(model, ...names)
  if (!file)
    throw engineError('ENGINE_MODEL_INVALID', 'model lacks a file its engine needs', {
      expected: names.join(' or '),
      hint: 'Publish the whole ONNX export: graphs, config.json and tokenizer.json.',
    })
  return file
}

/** The object in a JSON file of the model; the model's owner controls it. @throws `ENGINE_MODEL_INVALID` */
export function readJson(file: ModelFile): Record<string, unknown> {
  if (file.size > MAX_JSON_BYTES) throw notJson(file)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file.bytes()))
  } catch (cause) {
    throw notJson(file, cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notJson(file)
  return value as Record<string, unknown>
}

/** External data of the model's graphs, by name. */
export function externalFiles(model: EngineModel): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const file of model.files.values())
    if (file.role === 'weights-data') found.set(file.name, file.bytes())
  return found
}

function notJson(file: ModelFile, cause?: unknown): Error {
  return engineError('ENGINE_MODEL_INVALID', 'a file of the model is not the JSON its engine reads', {
    found: file.name,
    cause,
  })
}
