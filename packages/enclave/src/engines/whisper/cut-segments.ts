import { FRAMES_PER_STAMP, SECONDS_PER_STAMP, type WhisperConfig } from './config.ts'

/** A stretch of one window: its tokens with their timestamps, and where it lies. */
export interface CutSegment {
  /** Seconds from the start of the recording. */
  readonly start: number
  readonly end: number
  readonly tokens: readonly number[]
  /** Place of the first token among those of the window. */
  readonly offset: number
}

/**
 * Cuts what was decoded from one window into segments at its pairs of timestamps.
 *
 * @param tokens decoded tokens without prompt and end
 * @param seek frame of the recording at which the window begins
 * @param frames frames of the recording in the window
 * @returns the segments, and by how many frames decoding goes on: to the last pair, so that speech which the window
 *   cuts is heard again whole; past the window where nothing is cut
 */
export function cutSegments(
  tokens: readonly number[],
  seek: number,
  frames: number,
  { firstStamp }: Pick<WhisperConfig, 'firstStamp'>,
): { segments: CutSegment[]; advance: number } {
  const isStamp = tokens.map((token) => token >= firstStamp)
  const offsetSeconds = (seek / FRAMES_PER_STAMP) * SECONDS_PER_STAMP
  const stampSeconds = (token: number): number => offsetSeconds + (token - firstStamp) * SECONDS_PER_STAMP
  const endsSilent = isStamp.length > 1 && isStamp.at(-1)! && !isStamp.at(-2)!
  const cuts = tokens.flatMap((_, i) => (i > 0 && isStamp[i - 1] && isStamp[i] ? [i] : []))

  if (cuts.length === 0) {
    const last = tokens.findLast((token) => token >= firstStamp)
    const stamps =
      last !== undefined && last !== firstStamp ? last - firstStamp : Math.floor(frames / FRAMES_PER_STAMP)
    const whole = { start: offsetSeconds, end: offsetSeconds + stamps * SECONDS_PER_STAMP, tokens, offset: 0 }
    return { segments: [whole], advance: frames }
  }
  // Where the end is not silence the second stamp of the last pair only says that more follows; it stays with its segment.
  if (endsSilent) cuts.push(tokens.length)
  else cuts[cuts.length - 1]!++
  const segments = cuts.map((cut, i): CutSegment => {
    const offset = cuts[i - 1] ?? 0
    const own = tokens.slice(offset, cut)
    const closing = i === cuts.length - 1 && !endsSilent ? own.at(-2)! : own.at(-1)!
    return { start: stampSeconds(own[0]!), end: stampSeconds(closing), tokens: own, offset }
  })
  if (endsSilent) return { segments, advance: frames }
  const lastStamp = tokens[cuts.at(-1)! - 2]! - firstStamp
  return { segments, advance: lastStamp > 0 ? lastStamp * FRAMES_PER_STAMP : frames }
}
