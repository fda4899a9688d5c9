import { SottoError } from '@sotto/protocol/errors'
import fc from 'fast-check'
import { expect } from 'vitest'
import { contractIn } from './drafts.ts'

/** How a draft is edited. */
export interface Edits {
  /** Characters that are put in. */
  characters: string
  /** Places that are edited, at most. */
  most: number
  numRuns: number
}

/** Edits a draft at random places: it stays a draft, or is refused as one, by an error without `secret`. */
export function expectNamedRefusals(
  source: string,
  secret: string,
  { characters, most, numRuns }: Edits,
): void {
  const put = fc.string({ unit: fc.constantFrom(...characters), maxLength: 4 })
  const edit = fc.tuple(fc.nat(source.length - 1), fc.nat(3), put)
  fc.assert(
    fc.property(fc.array(edit, { maxLength: most }), (edits) => {
      let changed = source
      for (const [at, removed, added] of edits)
        changed = changed.slice(0, at) + added + changed.slice(at + removed)
      try {
        contractIn(changed)
      } catch (error) {
        expect(error).toBeInstanceOf(SottoError)
        expect(error).toMatchObject({ code: 'ROOM_DRAFT', action: 'fix-input' })
        const { message, expected, found, hint } = error as SottoError
        expect([message, expected, found, hint].join(' ')).not.toContain(secret)
      }
    }),
    { numRuns },
  )
}
