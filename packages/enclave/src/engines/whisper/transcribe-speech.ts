import { segmentSpeech } from '../../audio/segment/segment-speech.ts'
import { segmentOptionsOf, type VoiceActivity } from '../../audio/segment/voice-activity.ts'
import type { TranscribeParams, TranscriptEvent, TranscriptSegment } from '../types.ts'
import { audioFeatures } from './feature-source.ts'
import type { WhisperModel } from './model.ts'
import { transcribe } from './transcribe.ts'

const SAMPLE_RATE = 16_000

/**
 * Transcribes the stretches of a recording in which somebody speaks, each as soon as it ends: silence costs nothing
 * and invites no invented words. Each hears the text before it, as windows of one recording do.
 *
 * @throws as {@link transcribe}
 */
export async function* transcribeSpeech(
  model: WhisperModel,
  audio: AsyncIterable<Float32Array>,
  params: TranscribeParams,
  voiceActivity: VoiceActivity,
  signal: AbortSignal,
): AsyncGenerator<TranscriptEvent, void> {
  let text = ''
  let samples = 0
  let id = 0
  let inputTokens = 0
  let outputTokens = 0
  let { language } = params
  async function* counted(): AsyncGenerator<Float32Array, void> {
    for await (const block of audio) {
      samples += block.length
      yield block
    }
  }
  // What one window of the model hears.
  const maxSegmentSeconds = model.config.windowFrames / 100
  for await (const speech of segmentSpeech(counted(), {
    ...segmentOptionsOf(voiceActivity),
    maxSegmentSeconds,
  })) {
    const prompt = promptOf(params, text)
    const own: TranscribeParams = {
      ...params,
      ...(prompt !== '' && { prompt }),
      ...(language !== undefined && { language }),
    }
    for await (const event of transcribe(
      model,
      audioFeatures(once(speech.samples), model.config.mels),
      own,
      signal,
    )) {
      if (event.type === 'delta') {
        const needsSpace = text !== '' && !/^\s/.test(event.text) && !/\s$/.test(text)
        const delta = needsSpace ? ` ${event.text}` : event.text
        text += delta
        yield { type: 'delta', text: delta }
      } else if (event.type === 'segment')
        yield { type: 'segment', segment: { ...moved(event.segment, speech.start / SAMPLE_RATE), id: id++ } }
      else {
        language ??= event.language
        inputTokens += event.usage.inputTokens
        outputTokens += event.usage.outputTokens
      }
    }
  }
  yield {
    type: 'done',
    text,
    language: language ?? 'en',
    durationSeconds: samples / SAMPLE_RATE,
    usage: { inputTokens, outputTokens },
  }
}

function promptOf({ prompt = '', conditionOnPreviousText }: TranscribeParams, text: string): string {
  return conditionOnPreviousText === false ? prompt : `${prompt} ${text}`.trim()
}

function moved(segment: TranscriptSegment, seconds: number): TranscriptSegment {
  const at = (time: number): number => Math.round((time + seconds) * 100) / 100
  const { start, end, seek, words } = segment
  return {
    ...segment,
    seek: seek + Math.round(seconds * 100),
    start: at(start),
    end: at(end),
    ...(words && { words: words.map((word) => ({ ...word, start: at(word.start), end: at(word.end) })) }),
  }
}

async function* once(samples: Float32Array): AsyncGenerator<Float32Array, void> {
  yield samples
}
