import { expect, test } from 'vitest'
import { EXAMPLE_MS, heldIn, runExample } from './run-example.ts'

test(
  'a publisher has letters of an archive summarised by T5 and BART, and gets no letter',
  { timeout: EXAMPLE_MS },
  async () => {
    const played = await runExample('letters', ['--rows', '6', '--seed', 'test'])
    expect(played).toMatchObject({ code: 0, left: [] })
    const held = heldIn(played)
    expect(held).toEqual(
      expect.arrayContaining([
        'what it makes stays in the room, by the rule max-common-words',
        'the publisher has exactly what the archive looked at',
        'the run ends without a result',
        'every audit ended with exit code 0',
      ]),
    )
    const asTransformers = held.filter((line) => line.includes('those that transformers makes'))
    expect(asTransformers).toHaveLength(3)
    expect(played.transcript).toMatch(/\nok\n$/)
  },
)
