import { engineError } from '../errors.ts'
import { isStopWord, wordsOf } from './words.ts'

/** Parameters of the embedding, from the model's `config.json`. */
export interface HashEmbeddingConfig {
  /** Length of a vector: 8 to 4096. */
  readonly dimensions: number
  /** Lengths of the character n-grams, ascending, 1 to 8 each. */
  readonly ngrams: readonly number[]
  /** Positions each feature is spread over: 1 to 16. More make collisions milder. */
  readonly spread: number
}

/** Characters of one input at most. */
export const MAX_INPUT_LENGTH = 1_000_000
const WORD_WEIGHT = 2
const PAIR_WEIGHT = 1
const STOP_WORD_WEIGHT = 0.1
/** Every text has this feature, so that an empty one has a direction as well. */
const BIAS_WEIGHT = 0.05
/** Signed sums shorter than this have cancelled out: what is left of them is rounding. */
const LEAST_NORM = 1e-6

/**
 * A vector of length one for a text, without any learned weights: words, neighbouring pairs and character n-grams
 * are counted, dampened by a logarithm, and each is added with a sign at places given by its hash (a sparse random
 * projection). Texts that share words or parts of words are near; synonyms are not. The same on every machine but
 * for the last bits of the logarithm.
 *
 * @param dimensions length of the vector. A shorter one is a projection of its own and not the beginning of the
 * longer one: of a short text that would be empty, because its features lie in few places
 * @throws `ENGINE_INPUT` for an input that is too long
 */
export function embedText(
  text: string,
  config: HashEmbeddingConfig,
  dimensions: number = config.dimensions,
): Float32Array {
  if (text.length > MAX_INPUT_LENGTH)
    throw engineError('ENGINE_INPUT', 'an input is longer than a million characters')
  const sums = new Float64Array(dimensions)
  for (const [feature, { count, weight }] of featuresOf(text, config.ngrams)) {
    add(sums, feature, (1 + Math.log(count)) * weight, config.spread)
  }
  add(sums, 'bias', BIAS_WEIGHT, config.spread)
  // In very few dimensions everything may cancel out; one place cannot.
  if (normOf(sums) < LEAST_NORM) add(sums.fill(0), text, 1, 1)
  return normalise(sums)
}

interface Counted {
  count: number
  readonly weight: number
}

function featuresOf(text: string, ngrams: readonly number[]): Map<string, Counted> {
  const features = new Map<string, Counted>()
  const count = (feature: string, weight: number): void => {
    const known = features.get(feature)
    if (known) known.count++
    else features.set(feature, { count: 1, weight })
  }
  let previous = ''
  for (const word of wordsOf(text.normalize('NFKC').toLowerCase())) {
    const isStop = isStopWord(word)
    count(`w ${word}`, isStop ? STOP_WORD_WEIGHT : WORD_WEIGHT)
    if (previous !== '' && !isStop) count(`p ${previous} ${word}`, PAIR_WEIGHT)
    if (isStop) continue
    previous = word
    const marked = [...`<${word}>`]
    for (const length of ngrams) {
      for (let at = 0; at + length <= marked.length; at++) {
        // Long words have more parts; together they weigh about as much as the word.
        count(`n ${marked.slice(at, at + length).join('')}`, WORD_WEIGHT / marked.length)
      }
    }
  }
  return features
}

function add(sums: Float64Array, feature: string, weight: number, spread: number): void {
  let state = hash(feature)
  for (let i = 0; i < spread; i++) {
    state = mix(state + 0x9e3779b9)
    const index = (state >>> 1) % sums.length
    sums[index]! += (state & 1) === 1 ? weight : -weight
  }
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return state >>> 0
}

/** The finaliser of MurmurHash3: every input bit moves every output bit. */
function mix(value: number): number {
  let state = value | 0
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}

function normOf(vector: Float64Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
}

function normalise(vector: Float64Array): Float32Array {
  const norm = normOf(vector)
  return Float32Array.from(vector, (value) => value / norm)
}
