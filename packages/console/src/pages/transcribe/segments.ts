/** A stretch of speech. */
export interface Segment {
  /** Seconds from the start of the recording. */
  start: number
  end: number
  /** As the service heard it. */
  heard: string
  /** As somebody wrote it instead. */
  edited?: string | undefined
}

/** What stands in the transcript. */
export function textOf({ heard, edited }: Segment): string {
  return edited ?? heard
}

/** A segment with another text; what was heard is never lost. */
export function edit(segment: Segment, text: string): Segment {
  const { start, end, heard } = segment
  return text.trim() === heard.trim() ? { start, end, heard } : { start, end, heard, edited: text }
}

/** Times of the same stretch differ by less from one run to the next, seconds. */
const SAME_SECONDS = 0.3

/**
 * Puts what was heard in its place. What an earlier run heard stays behind it until this one comes there, and what
 * was edited stays in any case.
 *
 * @param count segments of this run so far: they stand first
 */
export function place(list: readonly Segment[], count: number, fresh: Segment): Segment[] {
  const behind = list.slice(count)
  const same = behind.find((one) => isSame(one, fresh))
  const rest = behind.filter(
    (one) => one !== same && (one.edited !== undefined || one.start >= fresh.end - SAME_SECONDS),
  )
  const placed = same?.edited === undefined ? fresh : { ...fresh, edited: same.edited }
  return [...list.slice(0, count), placed, ...rest]
}

/** All was heard: of an earlier run only what was edited stays, at its time. */
export function finish(list: readonly Segment[], count: number): Segment[] {
  return list
    .filter((one, at) => at < count || one.edited !== undefined)
    .toSorted((a, b) => a.start - b.start)
}

/** Whether both are the same stretch of speech, of one run or two. */
export function isSame(a: Segment, b: Segment): boolean {
  return a.heard.trim() === b.heard.trim() && Math.abs(a.start - b.start) < SAME_SECONDS
}

/** Number of the segment that is spoken at a moment: the last that has begun; -1 before the first. */
export function segmentAt(segments: readonly Segment[], seconds: number): number {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (segments[middle]!.start <= seconds + 0.01) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** `1:02:03`, or `2:03` where an hour is not reached. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const two = (value: number): string => String(value).padStart(2, '0')
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}
