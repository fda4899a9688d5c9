/** What stands on the screen for some time. */
export interface Cue {
  /** Seconds from the start of the recording. */
  readonly start: number
  readonly end: number
  readonly text: string
}

/** SubRip (`application/x-subrip`). */
export function toSrt(cues: readonly Cue[]): string {
  return cues
    .map(
      ({ start, end, text }, index) =>
        `${index + 1}\n${clock(start, ',')} --> ${clock(end, ',')}\n${lines(text)}\n\n`,
    )
    .join('')
}

/** WebVTT (`text/vtt`). */
export function toVtt(cues: readonly Cue[]): string {
  return `WEBVTT\n\n${cues.map(({ start, end, text }) => `${clock(start, '.')} --> ${clock(end, '.')}\n${lines(escaped(text))}\n\n`).join('')}`
}

/** In a WebVTT cue these begin a tag or a character reference. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** A cue must not contain a blank line or an arrow: either would start another cue. */
function lines(text: string): string {
  return text
    .trim()
    .replaceAll(/\s*[\r\n]\s*/g, '\n')
    .replaceAll('-->', '→')
}

function clock(seconds: number, separator: ',' | '.'): string {
  const total = Math.max(0, Math.round(seconds * 1000))
  const pad = (value: number, width: number): string => String(Math.floor(value)).padStart(width, '0')
  return `${pad(total / 3_600_000, 2)}:${pad((total / 60_000) % 60, 2)}:${pad((total / 1000) % 60, 2)}${separator}${pad(total % 1000, 3)}`
}
