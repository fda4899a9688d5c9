import { expect, test } from 'vitest'
import { EXAMPLE_MS, heldIn, runExample } from '../rooms/examples/run-example.ts'

test(
  'three banks train models on the payments of all, with and without a guarantee, and as often as they agreed on',
  { timeout: EXAMPLE_MS },
  async () => {
    const played = await runExample('../training/banks', ['--rows', '6000', '--seed', 'test'])
    expect(played).toMatchObject({ code: 0, left: [] })
    expect(heldIn(played)).toEqual(
      expect.arrayContaining([
        'where an owner asks for noise, nothing is trained without a guarantee',
        'it is better than what any bank finds alone',
        'it is as good as if one had all payments in one place',
        'every bank has the same model',
        'it is still better than what any bank finds alone',
        'they find more than any sum',
        'it is refused by the rule budget, though every bank consented',
        'nothing is left of it',
        'every audit ended with exit code 0',
      ]),
    )
    expect(played.transcript).toMatch(/\nok\n$/)
  },
)
