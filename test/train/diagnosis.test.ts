import { expect, test } from 'vitest'
import { EXAMPLE_MS, heldIn, runExample } from '../rooms/examples/run-example.ts'

test(
  'a hospital and a laboratory train on what each knows of the same patients',
  { timeout: EXAMPLE_MS },
  async () => {
    const played = await runExample('../training/diagnosis', ['--rows', '1500', '--seed', 'test'])
    expect(played).toMatchObject({ code: 0, left: [] })
    expect(heldIn(played)).toEqual(
      expect.arrayContaining([
        'it is better than what the hospital finds alone',
        'it is nearly as good as if one had both tables',
        'every audit ended with exit code 0',
      ]),
    )
    expect(played.transcript).toMatch(/\nok\n$/)
  },
)
