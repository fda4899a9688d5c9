import { expect, test } from 'vitest'
import { EXAMPLE_MS, heldIn, NO_QUERIES, runExample } from './run-example.ts'

test.skipIf(NO_QUERIES)(
  'a bank and a retailer get figures of shared customers, exactly and with noise, and nothing else',
  { timeout: EXAMPLE_MS },
  async () => {
    const played = await runExample('bank-and-retailer', ['--rows', '1500', '--seed', 'test'])
    expect(played).toMatchObject({ code: 0, left: [] })
    expect(heldIn(played)).toEqual(
      expect.arrayContaining([
        'the figures are those of the data, computed without the room',
        'the bank gets nothing of it',
        'every figure is as near to the exact one as its noise lets it be',
        'balances of customers are refused by the rule aggregates-only',
        'every audit ended with exit code 0',
      ]),
    )
    expect(played.transcript).toMatch(/\nok\n$/)
  },
)
