import { describe, expect, it } from 'vitest'
import { requireOverlap } from '../../../src/room/overlap/require-overlap.ts'
import { watchTurns } from '../../pause/turns.ts'

const TEXT = 'The patient, aged 54, was admitted on Monday.'

describe('what an output repeats of texts', () => {
  it('is how many words of the longest passage, up to as many as an owner allows', async () => {
    expect(await requireOverlap('He was admitted on Friday.', [TEXT, 'nothing'], 3)).toBe(3)
    await expect(requireOverlap('He was admitted on Friday.', [TEXT], 2)).rejects.toMatchObject({
      code: 'ROOM_OVERLAP',
    })
  })

  it('is compared only up to a length, in characters and in words', async () => {
    await expect(requireOverlap('x'.repeat(2_000_001), [TEXT], 3)).rejects.toMatchObject({
      code: 'ROOM_OUTPUT',
    })
    expect(await requireOverlap('漢'.repeat(250_000), [TEXT], 3)).toBe(0)
    await expect(requireOverlap('漢'.repeat(250_001), [TEXT], 3)).rejects.toMatchObject({
      code: 'ROOM_OUTPUT',
    })
  })

  it.each([
    ['a long output', TEXT.repeat(5000), [TEXT]],
    ['a long text', TEXT, [TEXT.repeat(5000)]],
    ['many texts', TEXT, Array<string>(500).fill(TEXT)],
  ])('is looked for while others have their turns: %s', async (_, output, texts) => {
    const { others } = watchTurns()
    await requireOverlap(output, texts, 1_000_000)
    expect(others()).toBeGreaterThan(10)
  })

  it('is looked for no longer once the run has ended', async () => {
    const { onTurn } = watchTurns()
    const stop = new AbortController()
    onTurn(() => stop.abort(new Error('ended')))
    const looking = requireOverlap(TEXT, Array<string>(500).fill(TEXT), 1_000_000, stop.signal)
    await expect(looking).rejects.toThrow('ended')
  })
})
