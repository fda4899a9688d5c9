import { segmentSpeech } from '../../audio/segment/segment-speech.ts'
import { engineError } from '../errors.ts'
import { floatTensor, openSession, type Session, toFloats } from '../onnx/index.ts'
import type { Engine, EngineInfo, EngineModel, TranscribeParams, TranscriptEvent } from '../types.ts'
import { assembleSegment, type Decoded } from './assemble.ts'
import { decodeGreedy, silenceProbability } from './greedy.ts'
import { type CtcModel, readCtcModel } from './model-files.ts'

const SAMPLE_RATE = 16_000
/** Segments longer than this are cut in a pause: memory of attention models grows with the square. */
const MAX_SEGMENT_SECONDS = 20
/** Pause that ends a segment, so that text appears while people still speak. */
const END_PAUSE_SECONDS = 0.8
/** Shorter input is padded with silence: convolutions need their receptive field. */
const MIN_SAMPLES = 1600

/** Speech recognition with a CTC model of the wav2vec2 interface: `input_values` [1, t] to `logits` [1, f, v]. */
export function createEngine(): Engine {
  let model: CtcModel | undefined
  let session: Session | undefined
  return {
    async load(given: EngineModel): Promise<EngineInfo> {
      model = readCtcModel(given)
      session = await openSession(model.weights, { threads: given.threads, externalData: model.externalData })
      const { inputs, outputs } = session
      if (
        inputs.length !== 1 ||
        inputs[0]!.shape.length !== 2 ||
        !outputs.some((port) => port.name === 'logits')
      ) {
        throw engineError('ENGINE_MODEL_INVALID', 'graph is not of the wav2vec2 interface', {
          expected: 'input_values [b, t] to logits [b, f, v]',
        })
      }
      return { concurrency: 1, operations: ['transcribe'] }
    },

    async *transcribe(audio, params, signal): AsyncGenerator<TranscriptEvent, void> {
      if (!model || !session) throw engineError('ENGINE_FAILED', 'no model')
      const language = languageFor(model, params)
      let text = ''
      let samples = 0
      let inputTokens = 0
      let outputTokens = 0
      let id = 0
      async function* counted(): AsyncGenerator<Float32Array, void> {
        for await (const block of audio) {
          samples += block.length
          yield block
        }
      }
      const segments = segmentSpeech(counted(), {
        maxSegmentSeconds: MAX_SEGMENT_SECONDS,
        endPauseSeconds: END_PAUSE_SECONDS,
      })
      for await (const piece of segments) {
        signal.throwIfAborted()
        const { decoded, frames } = await recognise(session, model, piece.samples)
        inputTokens += frames
        outputTokens += decoded.tokens.length
        const padded = Math.max(piece.samples.length, MIN_SAMPLES)
        const place = {
          id,
          start: piece.start / SAMPLE_RATE,
          end: piece.end / SAMPLE_RATE,
          secondsPerFrame: padded / SAMPLE_RATE / Math.max(1, frames),
        }
        const segment = assembleSegment(decoded, model.vocabulary, place, params)
        if (segment.text === '') continue
        id++
        const delta = text === '' ? segment.text : ` ${segment.text}`
        text += delta
        yield { type: 'delta', text: delta }
        yield { type: 'segment', segment }
      }
      yield {
        type: 'done',
        text,
        language,
        durationSeconds: samples / SAMPLE_RATE,
        usage: { inputTokens, outputTokens },
      }
    },

    async close(): Promise<void> {
      await session?.close()
    },
  }
}

function languageFor(model: CtcModel, params: TranscribeParams): string {
  if (params.task === 'translate') throw engineError('ENGINE_UNSUPPORTED', 'this model does not translate')
  if (params.language !== undefined && model.language !== undefined && params.language !== model.language) {
    throw engineError('ENGINE_UNSUPPORTED', 'this model knows one language only', {
      expected: model.language,
    })
  }
  return model.language ?? params.language ?? 'und'
}

async function recognise(
  session: Session,
  model: CtcModel,
  samples: Float32Array,
): Promise<{ decoded: Decoded; frames: number }> {
  const input = new Float32Array(Math.max(samples.length, MIN_SAMPLES))
  input.set(model.normalizes ? normalise(samples) : samples)
  const { logits } = await session.run({ [session.inputs[0]!.name]: floatTensor(input, [1, input.length]) }, [
    'logits',
  ])
  const [batch, frames = 0, width = 0] = logits?.dims ?? []
  if (!logits || batch !== 1 || logits.dims.length !== 3)
    throw engineError('ENGINE_MODEL_INVALID', 'logits have the wrong shape')
  const shape = [toFloats(logits), frames, width, model.vocabulary.blank] as const
  const decoded = { tokens: decodeGreedy(...shape), noSpeechProb: silenceProbability(...shape) }
  return { decoded, frames }
}

/** Mean 0 and variance 1, as Wav2Vec2FeatureExtractor does it. */
function normalise(samples: Float32Array): Float32Array {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length
  const variance = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / samples.length
  const scale = 1 / Math.sqrt(variance + 1e-7)
  return samples.map((value) => (value - mean) * scale)
}
