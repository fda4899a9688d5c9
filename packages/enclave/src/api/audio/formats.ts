import { toSrt, toVtt } from '@sotto/protocol/subtitles'
import type { TokenLogprob, TranscriptSegment } from '../../engines/types.ts'
import type { TranscriptionOptions } from './params.ts'

/** A finished transcript. */
export interface Transcript {
  text: string
  language: string
  durationSeconds: number
  segments: TranscriptSegment[]
}

/** A transcript in the format asked for. */
export function formatTranscript(transcript: Transcript, options: TranscriptionOptions): Response {
  switch (options.format) {
    case 'text':
      return new Response(`${transcript.text}\n`, {
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      })
    case 'srt':
      return new Response(toSrt(transcript.segments), {
        headers: { 'content-type': 'application/x-subrip; charset=utf-8' },
      })
    case 'vtt':
      return new Response(toVtt(transcript.segments), {
        headers: { 'content-type': 'text/vtt; charset=utf-8' },
      })
    case 'verbose_json':
      return Response.json(toVerbose(transcript, options))
    case 'json':
      return Response.json({
        text: transcript.text,
        usage: durationUsage(transcript.durationSeconds),
        ...(options.logprobs && {
          logprobs: transcript.segments.flatMap(({ logprobs }) => (logprobs ?? []).map(tokenLogprob)),
        }),
      })
  }
}

/** OpenAI's usage of a transcription billed by time. */
export function durationUsage(seconds: number): object {
  return { type: 'duration', seconds: Math.ceil(seconds) }
}

/** A token as OpenAI's `logprobs` of a transcription has it. */
export function tokenLogprob({ text, logprob }: TokenLogprob): object {
  return { token: text, logprob }
}

function toVerbose(transcript: Transcript, options: TranscriptionOptions): object {
  const { segments } = transcript
  return {
    task: options.params.task,
    language: transcript.language,
    duration: transcript.durationSeconds,
    text: transcript.text,
    ...(options.segments && {
      segments: segments.map((segment) => ({
        id: segment.id,
        seek: segment.seek,
        start: segment.start,
        end: segment.end,
        text: segment.text,
        tokens: segment.tokens,
        temperature: segment.temperature,
        avg_logprob: segment.avgLogprob,
        compression_ratio: segment.compressionRatio,
        no_speech_prob: segment.noSpeechProb,
      })),
    }),
    ...(options.words && {
      words: segments.flatMap(({ words }) =>
        (words ?? []).map(({ word, start, end }) => ({ word, start, end })),
      ),
    }),
    usage: durationUsage(transcript.durationSeconds),
  }
}
