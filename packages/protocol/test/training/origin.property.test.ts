import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toBase64Url } from '../../src/bytes/index.ts'
import { encodeModelOrigin, type ModelOrigin, parseModelOrigin } from '../../src/training/index.ts'
import { ORIGIN } from './origins.ts'

const bytes = (length: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(toBase64Url)
const envelope = fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme-ascii' })

const origins: fc.Arbitrary<ModelOrigin> = fc
  .record({
    output: fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/).filter((name) => name !== 'constructor'),
    salt: bytes(32),
    receipt: envelope,
    permit: envelope,
    provenance: envelope,
    bundle: bytes(9),
    at: fc.integer({ min: 1, max: 2 ** 40 }),
  })
  .chain((change) =>
    fc.option(envelope, { nil: undefined }).map((receipt) => ({
      ...ORIGIN,
      ...change,
      ...(receipt !== undefined && { charged: { offer: ORIGIN.offered.offer, receipt } }),
    })),
  )

it('an origin comes back as it was written', () => {
  fc.assert(
    fc.property(origins, (origin) => {
      expect(parseModelOrigin(encodeModelOrigin(origin))).toEqual(origin)
    }),
  )
})

it('bytes of anybody are an origin, or refused with its code', () => {
  const written = encodeModelOrigin(ORIGIN)
  fc.assert(
    fc.property(fc.nat({ max: written.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = written.slice()
      changed[at]! ^= flip
      try {
        parseModelOrigin(changed)
      } catch (error) {
        expect((error as { code?: string }).code).toBe('TRAINING_ORIGIN')
      }
    }),
  )
})
