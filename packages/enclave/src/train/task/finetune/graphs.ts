import type { FinetuneTask } from '@sotto/protocol/contract'
import { type GgufFile, parseGguf, textOf } from '@sotto/protocol/gguf'
import type { Tokenizer } from '../../data/texts.ts'
import { roomTrainError } from '../../errors.ts'
import { buildTextGraphs, type TextGraphs } from '../../step/text-graph.ts'
import { refusalOf } from '../graphs.ts'
import { settingsOf } from '../settings.ts'
import { clipOf } from '../weights.ts'

/** First weights of the branches follow from it: they are public, and the same everywhere. */
const SEED = 1
/** Windows that a graph takes at once: with a clip fewer, each of which has a gradient of its own. */
const CLIPPED_WINDOWS = 4
const WINDOWS = 8
/** Tokens of all of them: for each, a graph holds a score of every word. */
const TOKENS = 4096
/** Kind of a file's tokenizer, and its words. */
const [KIND, WORDS] = ['tokenizer.ggml.model', 'tokenizer.ggml.tokens']
/** Tokenizers that take every text: where one fails, or ends its process, would tell of a text. */
const KINDS = ['llama', 'gpt2']

/** Graphs that tune a model, and what has to be known of it. */
export interface TuningGraphs extends TextGraphs {
  /** Words of its tokenizer: none of them is past those of its graph. */
  readonly words: number
}

/** Windows that a graph of the task takes at once. */
export function windowsAtOnce({ tokens, privacy, descent }: FinetuneTask): number {
  const most = privacy ? CLIPPED_WINDOWS : WINDOWS
  return Math.max(1, Math.min(most, descent.batch, Math.floor(TOKENS / tokens)))
}

/**
 * Builds the graphs of a task beside a model, whose owner controls every byte. What is the matter with it is said by a code
 * alone: whatever has a name in there is the owner's.
 * @throws `ROOM_TRAIN_GRAPH`, `ROOM_TRAIN_PRIVACY`, `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_TOO_LARGE`
 */
export function tuningGraphs(task: FinetuneTask, model: Uint8Array): TuningGraphs {
  const { lora, tokens } = task
  const { privacy } = settingsOf(task)
  try {
    const file = parseGguf(model)
    const words = wordsOf(file)
    const graphs = buildTextGraphs(file, {
      lora: { ...lora, seed: SEED },
      sequence: tokens,
      microBatch: windowsAtOnce(task),
      ...(privacy && { clip: (parameters: number) => clipOf(privacy, parameters) }),
    })
    // A word without a place in the graph would end the run for those texts alone that have it.
    if (words > graphs.step.vocabulary)
      throw roomTrainError('ROOM_TRAIN_GRAPH', 'the tokenizer has words that the model does not know')
    return { ...graphs, words }
  } catch (cause) {
    throw refusalOf(cause)
  }
}

/** Whether all that a tokenizer adds to texts are words of the model. @throws `ROOM_TRAIN_GRAPH` */
export function requireKnownWords({ words }: Pick<TuningGraphs, 'words'>, { begin, end }: Tokenizer): void {
  const isKnown = (token: number | undefined): boolean =>
    token === undefined || (Number.isInteger(token) && token >= 0 && token < words)
  if (isKnown(begin) && isKnown(end)) return
  throw roomTrainError('ROOM_TRAIN_GRAPH', 'the tokenizer adds what is no word of the model')
}

function wordsOf({ metadata }: GgufFile): number {
  if (!KINDS.includes(textOf(metadata, KIND) ?? ''))
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the model has no tokenizer that takes every text')
  const found = metadata.get(WORDS)
  if (found?.type === 'list' && found.of === 'string') return found.count
  throw roomTrainError('ROOM_TRAIN_GRAPH', 'the model has no tokenizer')
}
