import { fromUtf8 } from '@sotto/protocol/bytes'
import { engineError } from '../errors.ts'
import type { EngineModel } from '../types.ts'
import { BeamSearch } from './beam-search.ts'
import { LanguageModel } from './language-model.ts'
import { parseVocabulary, type Vocabulary } from './vocabulary.ts'

const MAX_JSON_BYTES = 16 * 1024 * 1024
const SAMPLE_RATE = 16_000

/** What a CTC model's files say beside its weights. */
export interface CtcModel {
  readonly weights: Uint8Array
  readonly externalData: ReadonlyMap<string, Uint8Array>
  readonly vocabulary: Vocabulary
  /** Decodes with the language model; undefined where the model has none. */
  readonly search: BeamSearch | undefined
  /** Scale each segment to mean 0 and variance 1 first (`do_normalize` of the preprocessor). */
  readonly normalizes: boolean
  /** ISO 639-1 code, where `config.json` names one. */
  readonly language: string | undefined
}

/**
 * Reads a model in the layout of Wav2Vec2ForCTC exports: one file of role `weights`, `config.json`,
 * `preprocessor_config.json`, and `tokenizer.json` or `vocab.json`; at most one of role `language-model`.
 * @throws `ENGINE_MODEL_INVALID`
 */
export function readCtcModel(model: EngineModel): CtcModel {
  const files = [...model.files.values()]
  const weights = files.filter((file) => file.role === 'weights')
  if (weights.length !== 1) throw invalid('model has not exactly one file of role weights')
  const config = readJson(model, 'config.json') ?? {}
  const preprocessor = readJson(model, 'preprocessor_config.json') ?? {}
  const rate = preprocessor['sampling_rate'] ?? SAMPLE_RATE
  if (rate !== SAMPLE_RATE) throw invalid('model does not hear 16 kHz')
  const tokenizer = readJson(model, 'tokenizer.json')
  const language = config['language']
  if (language !== undefined && (typeof language !== 'string' || !/^[a-z]{2,3}$/.test(language)))
    throw invalid('language is not a code')
  const vocabulary = parseVocabulary(
    tokenizer,
    readJson(model, 'vocab.json'),
    readJson(model, 'tokenizer_config.json') ?? {},
    config,
  )
  return {
    weights: weights[0]!.bytes(),
    externalData: new Map(
      files.filter((file) => file.role === 'weights-data').map((file) => [file.name, file.bytes()]),
    ),
    vocabulary,
    search: readSearch(model, vocabulary),
    normalizes: preprocessor['do_normalize'] !== false,
    language,
  }
}

function readSearch(model: EngineModel, vocabulary: Vocabulary): BeamSearch | undefined {
  const files = [...model.files.values()].filter((file) => file.role === 'language-model')
  if (files.length > 1) throw invalid('model has more than one language model')
  const [file] = files
  return file && new BeamSearch(LanguageModel.parse(file.bytes()), vocabulary)
}

function readJson(model: EngineModel, name: string): Record<string, unknown> | undefined {
  const file = model.files.get(name)
  if (!file) return undefined
  if (file.size > MAX_JSON_BYTES) throw invalid(`${name} is too large`)
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(file.bytes()))
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', `${name} is not JSON`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${name} is not an object`)
  return value as Record<string, unknown>
}

function invalid(message: string): Error {
  return engineError('ENGINE_MODEL_INVALID', message)
}
