import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeGreedy } from '../../../src/engines/ctc/greedy.ts'
import type { Logits } from '../../../src/engines/ctc/logits.ts'
import { chooseSeam, Stitcher } from '../../../src/engines/ctc/stitch.ts'

const BLANK = 0
const DELIMITER = 1
const WIDTH = 28
const SECONDS_PER_FRAME = 0.02
const CONTEXT_SECONDS = 1
const CONTEXT = CONTEXT_SECONDS / SECONDS_PER_FRAME

/** Where each character of a recording is heard: frame and column. */
type Score = readonly { frame: number; column: number }[]

/** Logits of a window over the frames from `from` to `to`, each spike `shift` frames off where it was spoken. */
function listen(score: Score, from: number, to: number, shift: (index: number) => number): Logits {
  const frames = to - from
  const values = new Float32Array(frames * WIDTH)
  for (let frame = 0; frame < frames; frame++) values[frame * WIDTH + BLANK] = 9
  for (const [index, { frame, column }] of score.entries()) {
    const at = frame + shift(index) - from
    if (at < 0 || at >= frames) continue
    values[at * WIDTH + BLANK] = 0
    values[at * WIDTH + column] = 9
  }
  return { values, frames, width: WIDTH, start: from * SECONDS_PER_FRAME, secondsPerFrame: SECONDS_PER_FRAME }
}

const textOf = (logits: Logits): string =>
  decodeGreedy(logits.values, logits.frames, logits.width, BLANK)
    .map(({ id }) => (id === DELIMITER ? ' ' : String.fromCharCode(95 + id)))
    .join('')

/** A text as it is spoken: a character every three to five frames, half a dozen frames around each gap between words. */
function speak(text: string): { score: Score; frames: number } {
  const score: { frame: number; column: number }[] = []
  let frame = 10
  for (const [index, letter] of [...text].entries()) {
    frame += letter === ' ' ? 6 : text[index - 1] === ' ' ? 7 : 3 + (index % 3)
    score.push({ frame, column: letter === ' ' ? DELIMITER : letter.charCodeAt(0) - 95 })
  }
  return { score, frames: frame + 10 }
}

/** What comes out of windows of at most this many new frames. */
function inWindows(
  text: string,
  window: number,
  shifts: readonly number[],
): { text: string; pieces: string[] } {
  const { score, frames } = speak(text)
  const stitcher = new Stitcher(BLANK, DELIMITER, CONTEXT_SECONDS)
  const pieces: string[] = []
  let isAtWordEnd = true
  let joined = ''
  let count = 0
  for (let start = 0; start < frames; start += window) {
    const end = Math.min(frames, start + window)
    const joinsNext = end < frames
    const jitter = shifts[count++ % shifts.length]!
    const finished = stitcher.push({
      logits: listen(
        score,
        Math.max(0, start - CONTEXT),
        Math.min(frames, joinsNext ? end + CONTEXT : end),
        (index) => (index % 2 === 0 ? jitter : 0),
      ),
      start: start * SECONDS_PER_FRAME,
      end: end * SECONDS_PER_FRAME,
      joinsNext,
    })
    if (!finished) continue
    const piece = textOf(finished.logits)
    pieces.push(piece)
    joined +=
      joined !== '' && isAtWordEnd && !piece.startsWith(' ') && !joined.endsWith(' ') ? ` ${piece}` : piece
    isAtWordEnd = finished.isAtWordEnd
  }
  return { text: joined.replaceAll(/ +/g, ' ').trim(), pieces }
}

describe('windows over speech without a pause', () => {
  const letters = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz')
  const words = fc.array(fc.string({ unit: letters, minLength: 1, maxLength: 9 }), {
    minLength: 1,
    maxLength: 60,
  })
  // Two spikes of the same character are one without a blank between them: they are three frames apart here.
  const shifts = fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 1, maxLength: 5 })

  it('give every word once, wherever they are cut and however they place the characters', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 60, max: 400 }), shifts, (said, window, jitter) => {
        const text = said.join(' ')
        expect(inWindows(text, window, jitter).text).toBe(text)
      }),
      { numRuns: 300 },
    )
  })

  it('pass on whole words as soon as no later window can change them', () => {
    const text = Array.from({ length: 40 }, () => 'word').join(' ')
    const { pieces } = inWindows(text, 200, [0])
    expect(pieces.length).toBeGreaterThan(3)
    for (const piece of pieces) expect(piece.trim()).toMatch(/^word( word)*$/)
  })

  it('hold no more than two windows of somebody who never parts words', () => {
    const text = 'ab'.repeat(400)
    const { pieces, text: joined } = inWindows(text, 100, [0])
    expect(joined).toBe(text)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(150)
  })
})

describe('a seam', () => {
  const gap = listen(
    [
      { frame: 90, column: 5 },
      { frame: 110, column: 6 },
    ],
    0,
    150,
    () => 0,
  )

  it('lies in the middle of the longest time in which both hear nothing', () => {
    const seam = chooseSeam(gap, gap, 2, 0.5, BLANK)
    expect(seam.first).toBe(seam.second)
    expect(seam.first).toBeGreaterThanOrEqual(96)
    expect(seam.first).toBeLessThanOrEqual(104)
  })

  it('is the same moment in both, whatever frame each of them calls it', () => {
    const later = listen(
      [
        { frame: 90, column: 5 },
        { frame: 110, column: 6 },
      ],
      60,
      150,
      () => 0,
    )
    const seam = chooseSeam(gap, later, 2, 0.5, BLANK)
    expect(seam.first - seam.second).toBe(60)
  })

  it('is where it was asked for when somebody is never silent', () => {
    const full = listen(
      Array.from({ length: 150 }, (_, frame) => ({ frame, column: 5 })),
      0,
      150,
      () => 0,
    )
    expect(chooseSeam(full, full, 2, 0.5, BLANK)).toEqual({ first: 100, second: 100 })
  })
})
