import { describe, expect, it } from 'vitest'
import { exportAs, plainText } from '../../src/pages/transcribe/export.ts'
import { nextOf, shareHeard, type State, stateAfterReload } from '../../src/pages/transcribe/queue.ts'
import {
  clock,
  edit,
  finish,
  place,
  type Segment,
  segmentAt,
  textOf,
} from '../../src/pages/transcribe/segments.ts'

const heard = (start: number, end: number, text: string): Segment => ({ start, end, heard: text })
const FIRST = [heard(0, 2, 'one'), heard(2, 4, 'two'), heard(4, 6, 'three')]

/** A whole run over what stands there. */
function run(list: readonly Segment[], fresh: readonly Segment[]): Segment[] {
  let all = [...list]
  for (const [count, segment] of fresh.entries()) all = place(all, count, segment)
  return finish(all, fresh.length)
}

describe('segments', () => {
  it('an edit keeps what was heard, and is none once that stands there again', () => {
    const edited = edit(FIRST[1]!, 'TWO')
    expect(edited).toEqual({ start: 2, end: 4, heard: 'two', edited: 'TWO' })
    expect(textOf(edited)).toBe('TWO')
    expect(edit(edited, ' two ')).toEqual(FIRST[1])
    expect(textOf(edit(FIRST[1]!, ''))).toBe('')
  })

  it('a second run takes the place of the first, and edits stay', () => {
    const list = FIRST.with(1, edit(FIRST[1]!, 'TWO'))
    const again = [heard(0, 2, 'one'), heard(2.1, 4, 'two'), heard(4, 6, 'three')]
    expect(run(list, again)).toEqual([again[0], { ...again[1], edited: 'TWO' }, again[2]])
  })

  it('what was heard before stays until the second run comes there', () => {
    const list = FIRST.with(2, edit(FIRST[2]!, 'THREE'))
    const half = place(list, 0, heard(0, 4, 'one two'))
    expect(half.map(textOf)).toEqual(['one two', 'THREE'])
  })

  it('an edit of a stretch that is heard otherwise now is not lost', () => {
    const list = FIRST.with(1, edit(FIRST[1]!, 'TWO'))
    const all = run(list, [heard(0, 3, 'one too'), heard(3, 6, 'three')])
    expect(all.map(textOf)).toEqual(['one too', 'TWO', 'three'])
  })

  it('what is edited while it is heard counts as any other edit', () => {
    let list = place([], 0, FIRST[0]!)
    list = list.with(0, edit(list[0]!, 'ONE'))
    list = place(list, 1, FIRST[1]!)
    expect(finish(list, 2).map(textOf)).toEqual(['ONE', 'two'])
  })

  it('the segment of a moment is the last that has begun', () => {
    expect([-1, 0, 1.99, 2, 5, 99].map((at) => segmentAt(FIRST, at))).toEqual([-1, 0, 1, 1, 2, 2])
    expect(segmentAt([], 1)).toBe(-1)
  })

  it('times are as players show them', () => {
    expect([0, 59.9, 61, 3661].map(clock)).toEqual(['0:00', '0:59', '1:01', '1:01:01'])
  })
})

describe('export', () => {
  const transcript = {
    name: 'note of today.wav',
    seconds: 6,
    language: undefined,
    model: 'whisper-tiny',
    segments: FIRST.with(1, edit(FIRST[1]!, 'TWO')),
  }

  it('every format has the edits', () => {
    expect(exportAs('txt', transcript).content).toBe('one\nTWO\nthree\n')
    expect(exportAs('srt', transcript).content).toContain('2\n00:00:02,000 --> 00:00:04,000\nTWO\n')
    expect(exportAs('vtt', transcript).content).toContain('00:00:02.000 --> 00:00:04.000\nTWO\n')
    expect(JSON.parse(exportAs('json', transcript).content)).toEqual({
      file: 'note of today.wav',
      duration: 6,
      model: 'whisper-tiny',
      text: 'one TWO three',
      segments: [
        { start: 0, end: 2, text: 'one' },
        { start: 2, end: 4, text: 'TWO', heard: 'two' },
        { start: 4, end: 6, text: 'three' },
      ],
    })
    expect(plainText([])).toBe('')
  })

  it('the file is named after the recording', () => {
    expect(exportAs('srt', transcript)).toMatchObject({
      name: 'note of today.srt',
      type: 'application/x-subrip',
    })
  })
})

describe('the queue', () => {
  const of = (...states: State[]): { state: State }[] => states.map((state) => ({ state }))

  it('sends one after the other, oldest first, and only where it may', () => {
    const waiting = of('done', 'waiting', 'waiting')
    expect(nextOf(waiting, true)).toEqual([waiting[1]])
    expect(nextOf(waiting, true)[0]).toBe(waiting[1])
    expect(nextOf(waiting, false)).toEqual([])
    expect(nextOf(of('sending', 'waiting'), true)).toEqual([])
    expect(nextOf(of('failed', 'refused', 'checking', 'waiting'), true)).toHaveLength(1)
  })

  it('nothing goes on by itself after the page was closed', () => {
    const states = ['checking', 'waiting', 'sending', 'done', 'failed', 'stopped'] as const
    expect(states.map(stateAfterReload)).toEqual([
      'stopped',
      'stopped',
      'stopped',
      'done',
      'failed',
      'stopped',
    ])
  })

  it('the share is of the whole, and none where nobody knows that', () => {
    expect([shareHeard(1, 4), shareHeard(5, 4), shareHeard(1, undefined), shareHeard(1, 0)]).toEqual([
      0.25,
      1,
      undefined,
      undefined,
    ])
  })
})
