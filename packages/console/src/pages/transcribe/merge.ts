import type { KeptTranscript } from './kept.ts'
import { isSame, type Segment } from './segments.ts'

/** Segments that were edited since `base`, or given back what was heard. */
export function editsSince(base: readonly Segment[], now: readonly Segment[]): Segment[] {
  const before = finderIn(base)
  return now.filter((one) => before(one)?.edited !== one.edited)
}

/** Segments with edits in their places; what has none there any more stands behind, so that nothing typed is lost. */
export function withEdits(list: readonly Segment[], edits: readonly Segment[]): Segment[] {
  if (edits.length === 0) return [...list]
  const editOf = finderIn(edits)
  const placed = new Set<Segment>()
  const edited = list.map((one) => {
    const edit = editOf(one)
    if (edit === undefined) return one
    placed.add(edit)
    const { start, end, heard } = one
    return { start, end, heard, ...(edit.edited !== undefined && { edited: edit.edited }) }
  })
  return [...edited, ...edits.filter((one) => one.edited !== undefined && !placed.has(one))]
}

/**
 * A transcript that two tabs work on: of each segment the edit that is newer, of everything else what one of them changed.
 *
 * @param base as both had it
 * @param own as it stands here. @param kept as another tab has kept it
 * @param isHeardHere whether this tab hears the recording now: then its segments stand as they are
 */
export function mergeTranscripts(
  base: KeptTranscript,
  own: KeptTranscript,
  kept: KeptTranscript,
  isHeardHere: boolean,
): KeptTranscript {
  const mine = editsSince(base.segments, own.segments)
  const isHeardAnew = isHeardHere || !hasSameHeard(base.segments, own.segments)
  const theirs = isHeardAnew
    ? withEdits(own.segments, editsSince(base.segments, kept.segments))
    : kept.segments
  const segments = withEdits(theirs, mine)
  const newer = <K extends keyof KeptTranscript>(key: K): KeptTranscript[K] =>
    own[key] === base[key] ? kept[key] : own[key]
  return {
    ...kept,
    state: isHeardHere ? own.state : newer('state'),
    segments: isHeardHere ? segments : segments.toSorted((a, b) => a.start - b.start),
    seconds: newer('seconds'),
    peaks: newer('peaks'),
    model: newer('model'),
    language: newer('language'),
    isSoundKept: newer('isSoundKept'),
  }
}

function hasSameHeard(a: readonly Segment[], b: readonly Segment[]): boolean {
  return a.length === b.length && a.every((one, at) => isSame(one, b[at]!))
}

/** By their text first: a transcript of hours has thousands. */
function finderIn(list: readonly Segment[]): (one: Segment) => Segment | undefined {
  const byText = Map.groupBy(list, ({ heard }) => heard.trim())
  return (one) => byText.get(one.heard.trim())?.find((other) => isSame(one, other))
}
