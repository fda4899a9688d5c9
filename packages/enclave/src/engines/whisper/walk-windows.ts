import { engineError } from '../errors.ts'
import type { Encoded } from '../seq2seq/index.ts'
import { type CutSegment, cutSegments } from './cut-segments.ts'
import { type DecodedWindow, type DecodeOptions, decodeWindow } from './decode-window.ts'
import { detectLanguage } from './detect-language.ts'
import { encodeWindow, type WhisperModel } from './model.ts'
import { previousTokens } from './previous-text.ts'

/** Where features come from. */
export interface FeatureSource {
  /**
   * Features of `count` frames from `start` on, and how many of them lie in the recording; `undefined` when none do.
   * `start` never decreases.
   */
  window(
    start: number,
    count: number,
  ): Promise<{ readonly features: Float32Array; readonly frames: number } | undefined>
}

/** How a recording is decoded. */
export interface WalkOptions extends Omit<DecodeOptions, 'previous' | 'start' | 'timestamps'> {
  /** Code of a language of the model; absent: detect it from the first window. */
  readonly language?: string
  readonly task: 'transcribe' | 'translate'
  /** Tokens of text that precedes the recording. */
  readonly prompt: readonly number[]
  readonly hotwords: readonly number[]
  /** Feed the text of earlier segments to later windows. */
  readonly conditionOnPreviousText: boolean
}

/** One decoded window. */
export interface WalkedWindow {
  /** Frame at which it begins, and frames of the recording in it. */
  readonly seek: number
  readonly frames: number
  readonly language: string
  readonly encoded: Encoded
  /** Start, language and task: what stood before the answer, without earlier text. */
  readonly start: readonly number[]
  /** Tokens that stood before {@link start}. */
  readonly previous: readonly number[]
  readonly decoded: DecodedWindow
  /** None where the window is silent. */
  readonly segments: readonly CutSegment[]
}

/**
 * Decodes a recording of any length window by window, as the sequential long-form algorithm of openai/whisper and
 * transformers: each window begins where the last finished segment ended.
 *
 * @throws `ENGINE_INPUT` for a language the model does not know, `ENGINE_UNSUPPORTED` for translating with a model
 *   that only knows English
 */
export async function* walkWindows(
  model: WhisperModel,
  source: FeatureSource,
  options: WalkOptions,
): AsyncGenerator<WalkedWindow, void> {
  const { config } = model
  const segments: (readonly number[])[] = []
  let language = options.language
  let conditioned = options.conditionOnPreviousText
  for (let seek = 0; ;) {
    const input = await source.window(seek, config.windowFrames)
    if (!input) return
    options.signal?.throwIfAborted()
    const encoded = await encodeWindow(model, input.features)
    language ??= (await detectLanguage(model.decoder, encoded, config))[0]!.language
    const start = startTokens(model, language, options.task)
    const { prompt, hotwords } = options
    const previous = previousTokens({ prompt, hotwords, segments, conditioned }, config)
    const decoded = await decodeWindow(model.decoder, encoded, config, {
      ...options,
      previous,
      start,
      timestamps: true,
    })
    conditioned = options.conditionOnPreviousText && decoded.calm
    const cut = decoded.silent
      ? { segments: [], advance: input.frames }
      : cutSegments(decoded.tokens, seek, input.frames, config)
    segments.push(...cut.segments.map(({ tokens }) => tokens))
    const { frames } = input
    yield { seek, frames, language, encoded, start, previous, decoded, segments: cut.segments }
    seek += cut.advance
  }
}

/** The tokens a window's answer begins with. */
function startTokens(
  { config }: Pick<WhisperModel, 'config'>,
  language: string,
  task: 'transcribe' | 'translate',
): number[] {
  const { startToken, languages, tasks } = config
  if (!languages || !tasks) {
    if (task === 'translate' || language !== 'en')
      throw engineError('ENGINE_UNSUPPORTED', 'model only knows English', { expected: 'language en' })
    return [startToken]
  }
  const id = languages.get(language)
  if (id === undefined)
    throw engineError('ENGINE_INPUT', 'model does not know this language', {
      expected: [...languages.keys()].join(', '),
    })
  return [startToken, id, tasks[task]]
}
