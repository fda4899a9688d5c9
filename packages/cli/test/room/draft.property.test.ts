import fc from 'fast-check'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { showEpsilon } from '../../src/room/describe/index.ts'
import { parseDraft } from '../../src/room/draft/index.ts'
import { contractIn, draftOf, PATH } from './drafts.ts'
import { expectNamedRefusals } from './edited-drafts.ts'

const SLOW = process.env['SLOW'] ? 20 : 1

/** Millionths as people write them, at full length. */
const written = (micros: number): string =>
  `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`

it('keeps epsilon to the last millionth, as text and as a number, and shows it so', () => {
  const epsilonIn = (epsilon: unknown): number | undefined => {
    const text = draftOf((draft) => {
      draft.inputs['customers']!['uses'] = { count: { runs: 1, epsilon } }
    })
    return parseDraft(text, PATH).inputs['customers']!.uses!['count']!.epsilonMicros
  }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), (micros) => {
      expect(epsilonIn(written(micros))).toBe(micros)
      expect(epsilonIn(Number(written(micros)))).toBe(micros)
      expect(epsilonIn(showEpsilon(micros))).toBe(micros)
    }),
    { numRuns: 100 * SLOW },
  )
})

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/).filter((one) => one !== 'constructor')

it('makes of any names a contract that says the same, in YAML and in JSON', () => {
  const draft = fc
    .record({
      title: fc.stringMatching(/^[A-Za-z0-9 ]{1,64}$/),
      names: fc.uniqueArray(name, { minLength: 3, maxLength: 3 }),
      columns: fc.dictionary(
        fc.stringMatching(/^[a-z_][a-z0-9_]{0,20}$/).filter((one) => one !== '__proto__'),
        fc.constantFrom('boolean', 'integer', 'number', 'text', 'date', 'timestamp'),
        { minKeys: 1, maxKeys: 8 },
      ),
      review: fc.boolean(),
      days: fc.integer({ min: 1, max: 3660 }),
      bytes: fc.integer({ min: 1, max: 4096 }).map((kib) => `${kib}KiB`),
    })
    .map(({ title, names: [input, transform, output], columns, review, days, bytes }) => ({
      title,
      parties: ['bank', 'retailer'],
      inputs: {
        [input!]: { owner: 'bank', kind: 'table', columns, rules: { receivers: ['retailer'], review } },
      },
      transforms: {
        [transform!]: { reads: [input], sql: { templates: { all: { sql: 'SELECT 1 AS n' } }, max_rows: 1 } },
      },
      outputs: { [output!]: { from: transform, receivers: ['retailer'], max_bytes: bytes } },
      valid: { days },
    }))
  fc.assert(
    fc.property(draft, (given) => {
      const { contract, digest } = contractIn(stringify(given, { aliasDuplicateObjects: false }))
      expect(contractIn(JSON.stringify(given)).digest).toBe(digest)
      expect(contract.title).toBe(given.title)
      const [input] = contract.inputs
      expect(input!.columns).toEqual(
        Object.entries(Object.values(given.inputs)[0]!.columns).map(([of, type]) => ({ name: of, type })),
      )
      expect(contract.notAfter - contract.notBefore).toBe(given.valid.days * 86_400)
    }),
    { numRuns: 100 * SLOW },
  )
})

it('refuses any other text by name, and repeats no value of it', () => {
  const MARK = 'hunter2/hunter2+hunter2='
  const source = draftOf((draft) => {
    draft.inputs['customers']!['content'] = MARK
    draft['salt'] = MARK
  })
  expectNamedRefusals(source, 'hunter2', {
    characters: ' \n\t:-?[]{},#&*!|>\'"%@`\\\0\u0085\u2028\ufeffaZ0~<',
    most: 4,
    numRuns: 300 * SLOW,
  })
})
