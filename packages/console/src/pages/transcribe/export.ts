import { toSrt, toVtt } from '@sotto/protocol/subtitles'
import { type Segment, textOf } from './segments.ts'

/** Formats in which a transcript is handed out. */
export const FORMATS = ['txt', 'srt', 'vtt', 'json'] as const
export type Format = (typeof FORMATS)[number]

/** What is handed out, of a recording. */
export interface Exported {
  name: string
  seconds: number | undefined
  language: string | undefined
  model: string | undefined
  segments: readonly Segment[]
}

const TYPES: Readonly<Record<Format, string>> = {
  txt: 'text/plain',
  srt: 'application/x-subrip',
  vtt: 'text/vtt',
  json: 'application/json',
}

/** A transcript as a file, with everything that was edited. */
export function exportAs(
  format: Format,
  transcript: Exported,
): { name: string; content: string; type: string } {
  return {
    name: `${transcript.name.replace(/\.[^.]{1,5}$/, '')}.${format}`,
    content: contentOf(format, transcript),
    type: TYPES[format],
  }
}

/** One line for each stretch of speech. */
export function plainText(segments: readonly Segment[]): string {
  return segments.map((segment) => `${textOf(segment).trim()}\n`).join('')
}

function contentOf(format: Format, { name, seconds, language, model, segments }: Exported): string {
  const cues = segments.map((segment) => ({
    start: segment.start,
    end: segment.end,
    text: textOf(segment).trim(),
  }))
  switch (format) {
    case 'txt':
      return plainText(segments)
    case 'srt':
      return toSrt(cues)
    case 'vtt':
      return toVtt(cues)
    case 'json': {
      const whole = {
        file: name,
        duration: seconds,
        language,
        model,
        text: cues.map(({ text }) => text).join(' '),
        segments: cues.map((cue, at) => {
          const { heard, edited } = segments[at]!
          return { ...cue, ...(edited !== undefined && { heard: heard.trim() }) }
        }),
      }
      return `${JSON.stringify(whole, undefined, 2)}\n`
    }
  }
}
