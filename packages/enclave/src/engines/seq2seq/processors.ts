import type { GenerationSettings } from './settings.ts'
import { NEVER } from './scores.ts'

/**
 * Changes the scores of the next token in place.
 *
 * @param tokens everything decoded so far, the start token included
 */
export type Processor = (tokens: readonly number[], scores: Float32Array) => void

/**
 * The processors that these settings ask for, in the order in which transformers applies them.
 *
 * @param promptLength tokens the decoder starts with
 * @param inputTokens what the encoder read
 */
export function processorsOf(
  settings: GenerationSettings,
  promptLength: number,
  inputTokens: readonly number[],
): Processor[] {
  const { eosTokenIds, maxLength } = settings
  const list: Processor[] = []
  if (settings.repetitionPenalty !== 1) list.push(penalizeRepetition(settings.repetitionPenalty))
  if (settings.noRepeatNgramSize > 0) list.push(forbidRepeatedNgrams(settings.noRepeatNgramSize))
  if (settings.encoderNoRepeatNgramSize > 0)
    list.push(forbidInputNgrams(settings.encoderNoRepeatNgramSize, inputTokens))
  if (settings.badWordsIds.length > 0) list.push(forbidSequences(settings.badWordsIds, eosTokenIds))
  if (settings.minLength > 0) list.push(forbidUntil(settings.minLength, eosTokenIds))
  if (settings.minNewTokens > 0) list.push(forbidUntil(promptLength + settings.minNewTokens, eosTokenIds))
  if (settings.forcedBosTokenId !== undefined) list.push(forceAt(1, [settings.forcedBosTokenId]))
  if (settings.forcedEosTokenIds.length > 0) list.push(forceAt(maxLength - 1, settings.forcedEosTokenIds))
  if (settings.suppressTokens.length > 0) list.push(suppress(settings.suppressTokens))
  if (settings.beginSuppressTokens.length > 0) {
    const begin =
      promptLength > 1 || settings.forcedBosTokenId === undefined ? promptLength : promptLength + 1
    list.push(suppressAt(begin, settings.beginSuppressTokens))
  }
  return list
}

/** Masks tokens always. */
export function suppress(ids: readonly number[]): Processor {
  return (_, scores) => mask(scores, ids)
}

/** Masks tokens when exactly `length` tokens precede. */
export function suppressAt(length: number, ids: readonly number[]): Processor {
  return (tokens, scores) => {
    if (tokens.length === length) mask(scores, ids)
  }
}

function penalizeRepetition(penalty: number): Processor {
  return (tokens, scores) => {
    for (const id of new Set(tokens)) {
      const score = scores[id]
      if (score !== undefined) scores[id] = score < 0 ? score * penalty : score / penalty
    }
  }
}

function forbidRepeatedNgrams(size: number): Processor {
  return (tokens, scores) => mask(scores, followers(tokens, tokens, size))
}

function forbidInputNgrams(size: number, input: readonly number[]): Processor {
  return (tokens, scores) => mask(scores, followers(input, tokens, size))
}

/** Tokens that would complete an n-gram of `source` after the last `size - 1` of `tokens`. */
function followers(source: readonly number[], tokens: readonly number[], size: number): number[] {
  const found: number[] = []
  const prefix = size - 1
  if (tokens.length < prefix) return found
  for (let at = 0; at + prefix < source.length; at++) {
    let same = true
    for (let i = 0; same && i < prefix; i++) same = source[at + i] === tokens[tokens.length - prefix + i]
    if (same) found.push(source[at + prefix]!)
  }
  return found
}

function forbidSequences(sequences: readonly (readonly number[])[], eos: readonly number[]): Processor {
  const used = sequences.filter((ids) => ids.length > 1 || !eos.includes(ids[0]!))
  return (tokens, scores) => {
    for (const ids of used) {
      const prefix = ids.length - 1
      const start = tokens.length - prefix
      if (start >= 0 && ids.every((id, i) => i === prefix || tokens[start + i] === id))
        mask(scores, ids.slice(-1))
    }
  }
}

function forbidUntil(length: number, ids: readonly number[]): Processor {
  return (tokens, scores) => {
    if (tokens.length < length) mask(scores, ids)
  }
}

function forceAt(length: number, ids: readonly number[]): Processor {
  return (tokens, scores) => {
    if (tokens.length !== length) return
    scores.fill(NEVER)
    for (const id of ids) if (id < scores.length) scores[id] = 0
  }
}

function mask(scores: Float32Array, ids: readonly number[]): void {
  for (const id of ids) if (id < scores.length) scores[id] = NEVER
}
