import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutSegments } from '../../../src/engines/whisper/cut-segments.ts'
import { previousTokens } from '../../../src/engines/whisper/previous-text.ts'

const config = { firstStamp: 1000 }
/** Token of a time in seconds. */
const at = (seconds: number): number => 1000 + Math.round(seconds * 50)
const round = (value: number): number => Math.round(value * 100) / 100

test('cuts at pairs of timestamps and goes on at the last pair', () => {
  const tokens = [at(0.2), 1, 2, at(1), at(1.4), 3, at(2), at(2.2)]
  const { segments, advance } = cutSegments(tokens, 300, 300, config)
  expect(segments.map(({ start, end, offset }) => [round(start), round(end), offset])).toEqual([
    [3.2, 4, 0],
    [4.4, 5, 4],
  ])
  expect(segments.flatMap(({ tokens }) => tokens)).toEqual(tokens)
  expect(advance).toBe(200)
})

test('goes past the window where a single timestamp ends it', () => {
  const { segments, advance } = cutSegments([at(0), 1, at(1), at(1.2), 2, at(2)], 0, 290, config)
  expect(segments.map(({ end }) => round(end))).toEqual([1, 2])
  expect(advance).toBe(290)
})

test('takes all as one segment without a pair, up to the last timestamp or the end of the window', () => {
  expect(cutSegments([at(0), 1, at(1.5)], 0, 300, config)).toMatchObject({
    segments: [{ end: 1.5 }],
    advance: 300,
  })
  expect(cutSegments([1, 2], 100, 200, config)).toMatchObject({
    segments: [{ start: 1, end: 3 }],
    advance: 200,
  })
  expect(cutSegments([at(0)], 0, 300, config)).toMatchObject({
    segments: [{ start: 0, end: 3 }],
    advance: 300,
  })
})

test('always goes on, and keeps every token up to where it goes on', () => {
  const token = fc.oneof(fc.nat(5), fc.integer({ min: 1000, max: 1150 }))
  fc.assert(
    fc.property(fc.array(token, { maxLength: 12 }), fc.integer({ min: 1, max: 300 }), (tokens, frames) => {
      const { segments, advance } = cutSegments(tokens, 0, frames, config)
      expect(advance).toBeGreaterThan(0)
      const kept = segments.flatMap(({ tokens }) => tokens)
      expect(kept).toEqual(tokens.slice(0, kept.length))
      for (const { offset, tokens: own } of segments)
        expect(tokens.slice(offset, offset + own.length)).toEqual(own)
    }),
    { numRuns: process.env['SLOW'] ? 500 : 50 },
  )
})

test('earlier text is cut to half of what the decoder holds, hot words first', () => {
  const known = { previousToken: 7, maxTokens: 20, firstStamp: 1000 }
  const said = {
    prompt: [1, 2],
    hotwords: [],
    segments: [
      [3, 4, 1005, 1005],
      [5, 6],
    ],
    conditioned: true,
  }
  expect(previousTokens(said, known)).toEqual([7, 1, 2, 3, 4, 1005, 5, 6])
  expect(previousTokens({ ...said, conditioned: false }, known)).toEqual([7, 1, 2])
  const smaller = { ...known, maxTokens: 18 }
  expect(previousTokens({ ...said, hotwords: [8, 9] }, smaller)).toEqual([7, 8, 9, 2, 3, 4, 1005, 5, 6])
  expect(previousTokens({ ...said, prompt: [], conditioned: false }, known)).toEqual([])
  const { previousToken: _, ...unknown } = known
  expect(previousTokens(said, unknown)).toEqual([])
})
