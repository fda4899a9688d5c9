import { expect, test } from 'vitest'
import { EXAMPLE_MS, heldIn, NO_QUERIES, runExample } from './run-example.ts'

test.skipIf(NO_QUERIES)(
  'three banks follow money through all of them, as often as they agreed on and not once more',
  { timeout: EXAMPLE_MS },
  async () => {
    const played = await runExample('three-banks', ['--rows', '1500', '--seed', 'test'])
    expect(played).toMatchObject({ code: 0, left: [] })
    expect(heldIn(played)).toEqual(
      expect.arrayContaining([
        'cedar has the flows of the data, computed without the room',
        'the flows are those of the data, without the island',
        'it is refused by the rule budget, though every bank consented',
        'nothing is left of it',
        'every audit ended with exit code 0',
      ]),
    )
    expect(played.transcript).toMatch(/\nok\n$/)
  },
)
