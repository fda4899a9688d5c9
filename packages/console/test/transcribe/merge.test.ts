import { describe, expect, it } from 'vitest'
import type { KeptTranscript } from '../../src/pages/transcribe/kept.ts'
import { editsSince, mergeTranscripts, withEdits } from '../../src/pages/transcribe/merge.ts'
import { edit, type Segment } from '../../src/pages/transcribe/segments.ts'

const heard = (start: number, text: string): Segment => ({ start, end: start + 2, heard: text })
const FIRST = [heard(0, 'one'), heard(2, 'two'), heard(4, 'three')]
const wrote = (at: number, text: string, list: readonly Segment[] = FIRST): Segment[] =>
  list.with(at, edit(list[at]!, text))

function transcript(segments: readonly Segment[], more: Partial<KeptTranscript> = {}): KeptTranscript {
  return {
    id: 'id',
    name: 'note.wav',
    at: 1,
    bytes: 100,
    state: 'done',
    segments,
    seconds: 6,
    peaks: undefined,
    model: undefined,
    language: undefined,
    isSoundKept: false,
    ...more,
  }
}

describe('edits', () => {
  it('are what was written, and what was given back, and nothing else', () => {
    const base = wrote(0, 'ONE')
    expect(editsSince(base, wrote(2, 'THREE', base))).toEqual([{ ...FIRST[2], edited: 'THREE' }])
    expect(editsSince(base, FIRST)).toEqual([FIRST[0]])
    expect(editsSince(base, base)).toEqual([])
  })

  it('go to the same stretch of another run, and stay where there is none', () => {
    const again = [heard(0.1, ' one'), heard(2, 'too'), heard(4, 'three')]
    expect(withEdits(again, wrote(0, 'ONE').slice(0, 1))).toEqual([
      { ...again[0], edited: 'ONE' },
      again[1],
      again[2],
    ])
    const lost = edit(FIRST[1]!, 'TWO')
    expect(withEdits(again, [lost])).toEqual([...again, lost])
    expect(withEdits(wrote(0, 'ONE'), [FIRST[0]!])).toEqual(FIRST)
  })
})

describe('a transcript of two tabs', () => {
  const base = transcript(FIRST)
  const merged = (own: Partial<KeptTranscript>, kept: Partial<KeptTranscript>, isHeardHere = false) =>
    mergeTranscripts(base, { ...base, ...own }, { ...base, ...kept }, isHeardHere)

  it('has the edits of both, and of one segment the one that is kept last', () => {
    expect(merged({ segments: wrote(0, 'ONE') }, { segments: wrote(2, 'THREE') }).segments).toEqual(
      wrote(0, 'ONE', wrote(2, 'THREE')),
    )
    expect(merged({ segments: wrote(0, 'A') }, { segments: wrote(0, 'B') }).segments).toEqual(wrote(0, 'A'))
    expect(merged({}, { segments: wrote(0, 'B') }).segments).toEqual(wrote(0, 'B'))
  })

  it('takes what the other tab hears, with what was written here', () => {
    const fresh = [...FIRST, heard(6, 'four')]
    const both = merged({ segments: wrote(1, 'TWO') }, { segments: fresh, state: 'sending', seconds: 8 })
    expect(both).toEqual(transcript(wrote(1, 'TWO', fresh), { state: 'sending', seconds: 8 }))
  })

  it('leaves what is heard here as it stands, and what was written elsewhere behind it', () => {
    const now = [heard(0, 'one more'), FIRST[2]!]
    const both = merged(
      { segments: now, state: 'sending' },
      { segments: wrote(1, 'TWO', wrote(2, 'THREE')), state: 'stopped' },
      true,
    )
    expect(both.state).toBe('sending')
    expect(both.segments).toEqual([now[0], edit(FIRST[2]!, 'THREE'), edit(FIRST[1]!, 'TWO')])
    // Heard to its end, it stands at its time.
    const end = merged({ segments: now }, { segments: wrote(1, 'TWO') })
    expect(end.segments).toEqual([now[0], edit(FIRST[1]!, 'TWO'), FIRST[2]])
  })

  it('changes only what was changed here', () => {
    const both = merged({ model: 'own' }, { isSoundKept: true, state: 'failed', model: 'other' })
    expect(both).toMatchObject({ model: 'own', isSoundKept: true, state: 'failed' })
  })
})
