import { fromUtf8 } from '@sotto/protocol/bytes'
import { engineError } from '../errors.ts'
import type { EngineModel } from '../types.ts'
import type { HashEmbeddingConfig } from './hash-embedding.ts'

const MAX_CONFIG_BYTES = 4096

/** What `config.json` of an algorithm-only model says. */
export type ExtractiveConfig =
  | { readonly algorithm: 'lexrank' }
  | ({ readonly algorithm: 'hash-embedding' } & HashEmbeddingConfig)

/** Reads the model's only file. @throws `ENGINE_MODEL_INVALID` */
export function readConfig(model: EngineModel): ExtractiveConfig {
  const file = model.files.get('config.json')
  if (!file || file.size > MAX_CONFIG_BYTES) throw invalid('model has no config.json of a sensible size')
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(file.bytes()))
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'config.json is not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('config.json is not an object')
  const { algorithm, dimensions, ngrams, spread, ...rest } = value as Record<string, unknown>
  if (Object.keys(rest).length > 0) throw invalid('config.json has an unknown field')
  if (algorithm === 'lexrank') {
    if (model.task !== 'summarization') throw invalid('lexrank is for the task summarization')
    return { algorithm }
  }
  if (algorithm !== 'hash-embedding' || model.task !== 'embedding')
    throw invalid('algorithm and task do not fit')
  if (!Array.isArray(ngrams) || ngrams.length === 0 || ngrams.length > 8)
    throw invalid('ngrams is not a short list')
  return {
    algorithm,
    dimensions: within(dimensions, 8, 4096),
    ngrams: ngrams.map((length) => within(length, 1, 8)),
    spread: within(spread, 1, 16),
  }
}

function within(value: unknown, low: number, high: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < low || (value as number) > high)
    throw invalid('a number in config.json is out of bounds')
  return value as number
}

function invalid(message: string): Error {
  return engineError('ENGINE_MODEL_INVALID', message)
}
