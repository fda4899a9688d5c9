import { expect, test } from 'vitest'
import { EXAMPLE_MS, heldIn, NO_QUERIES, runExample } from './run-example.ts'

test.skipIf(NO_QUERIES)(
  'three hospitals get statistics over the patients of all, and of no group that is too small',
  { timeout: EXAMPLE_MS },
  async () => {
    const played = await runExample('hospitals', ['--rows', '400', '--seed', 'test'])
    expect(played).toMatchObject({ code: 0, left: [] })
    expect(heldIn(played)).toEqual(
      expect.arrayContaining([
        'east has the figures of the data, computed without the room',
        'of the one patient there is no row',
        'groups of one are refused by the rule contributor-column',
        'names are refused by the rule forbidden-column',
        'every audit ended with exit code 0',
      ]),
    )
    expect(played.transcript).toMatch(/\nok\n$/)
  },
)
