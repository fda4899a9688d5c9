import { segmentSpeech, type SpeechSegment } from '../../audio/segment/segment-speech.ts'
import { segmentOptionsOf } from '../../audio/segment/voice-activity.ts'
import { engineError } from '../errors.ts'
import { floatTensor, openSession, type Session, toFloats } from '../onnx/index.ts'
import type { Engine, EngineInfo, EngineModel, TranscribeParams, TranscriptEvent } from '../types.ts'
import { assembleSegment } from './assemble.ts'
import { decode } from './decode.ts'
import { silenceProbability } from './greedy.ts'
import { type CtcModel, readCtcModel } from './model-files.ts'
import { Stitcher, type Window } from './stitch.ts'

const SAMPLE_RATE = 16_000
/** Segments longer than this are cut in a pause: memory of attention models grows with the square. */
const WINDOW_SECONDS = 20
/** The same where text is to appear while people talk on. */
const EARLY_WINDOW_SECONDS = 6
/** Where nobody pauses for so long, windows hear this much of each other. */
const CONTEXT_SECONDS = 1
/** Pause that ends a segment, so that text appears while people still speak. */
const END_PAUSE_SECONDS = 0.8
/** Shorter input is padded with silence: convolutions need their receptive field. */
const MIN_SAMPLES = 1600

/** Speech recognition with a CTC model of the wav2vec2 interface: `input_values` [1, t] to `logits` [1, f, v]. */
export function createEngine(windowSeconds: number = WINDOW_SECONDS): Engine {
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
      let isAtWordEnd = true
      async function* counted(): AsyncGenerator<Float32Array, void> {
        for await (const block of audio) {
          samples += block.length
          yield block
        }
      }
      const segments = segmentSpeech(counted(), {
        endPauseSeconds: END_PAUSE_SECONDS,
        ...(params.voiceActivity && segmentOptionsOf(params.voiceActivity)),
        maxSegmentSeconds: params.early ? Math.min(EARLY_WINDOW_SECONDS, windowSeconds) : windowSeconds,
        contextSeconds: CONTEXT_SECONDS,
      })
      const { blank, delimiter } = model.vocabulary
      const stitcher = new Stitcher(blank, delimiter, CONTEXT_SECONDS)
      for await (const piece of segments) {
        signal.throwIfAborted()
        const finished = stitcher.push(await hear(session, model, piece))
        if (!finished) continue
        const { logits } = finished
        const shape = [logits.values, logits.frames, logits.width, blank] as const
        const decoded = { tokens: decode(model.search, ...shape), noSpeechProb: silenceProbability(...shape) }
        inputTokens += logits.frames
        outputTokens += decoded.tokens.length
        const end = logits.start + logits.frames * logits.secondsPerFrame
        const place = {
          id,
          start: logits.start,
          end: piece.joinsNext ? end : piece.end / SAMPLE_RATE,
          secondsPerFrame: logits.secondsPerFrame,
        }
        const segment = assembleSegment(decoded, model.vocabulary, place, params)
        const isJoined = !isAtWordEnd && decoded.tokens[0]?.id !== delimiter
        isAtWordEnd = finished.isAtWordEnd
        if (segment.text === '') continue
        id++
        const delta = text === '' || isJoined ? segment.text : ` ${segment.text}`
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

/** The logits of a stretch of speech and of what is seen around it. */
async function hear(session: Session, model: CtcModel, piece: SpeechSegment): Promise<Window> {
  const { lead, samples, tail, joinsNext } = piece
  const heard = new Float32Array(lead.length + samples.length + tail.length)
  heard.set(lead)
  heard.set(samples, lead.length)
  heard.set(tail, lead.length + samples.length)
  const input = new Float32Array(Math.max(heard.length, MIN_SAMPLES))
  input.set(model.normalizes ? normalise(heard) : heard)
  const { logits } = await session.run({ [session.inputs[0]!.name]: floatTensor(input, [1, input.length]) }, [
    'logits',
  ])
  const [batch, frames = 0, width = 0] = logits?.dims ?? []
  if (!logits || batch !== 1 || logits.dims.length !== 3)
    throw engineError('ENGINE_MODEL_INVALID', 'logits have the wrong shape')
  return {
    logits: {
      values: toFloats(logits),
      frames,
      width,
      start: (piece.start - lead.length) / SAMPLE_RATE,
      secondsPerFrame: input.length / SAMPLE_RATE / Math.max(1, frames),
    },
    start: piece.start / SAMPLE_RATE,
    end: piece.end / SAMPLE_RATE,
    joinsNext,
  }
}

/** Mean 0 and variance 1, as Wav2Vec2FeatureExtractor does it. */
function normalise(samples: Float32Array): Float32Array {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length
  const variance = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / samples.length
  const scale = 1 / Math.sqrt(variance + 1e-7)
  return samples.map((value) => (value - mean) * scale)
}
