import { expect, test } from 'vitest'
import { EXAMPLE_MS, heldIn, runExample } from '../rooms/examples/run-example.ts'

test(
  'two doors train one matcher of faces, with a guarantee for every person',
  { timeout: EXAMPLE_MS },
  async () => {
    const played = await runExample('../training/faces', ['--rows', '3000', '--seed', 'test'])
    expect(played).toMatchObject({ code: 0, left: [] })
    expect(heldIn(played)).toEqual(
      expect.arrayContaining([
        'people of both doors are told apart better than by distance',
        'and better than by what one door learns alone',
        'every audit ended with exit code 0',
      ]),
    )
    expect(played.transcript).toMatch(/\nok\n$/)
  },
)
