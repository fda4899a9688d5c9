import { SottoError } from '@sotto/protocol/errors'
import { packTar, readTar, type TarFile } from '@sotto/protocol/tar'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const LIMITS = { maxFiles: 20, maxBytes: 1 << 16 }

const segment = fc
  .string({ unit: fc.constantFrom('a', 'B', '-', '.', ' ', '0', '~'), minLength: 1, maxLength: 60 })
  .filter((text) => text !== '.' && text !== '..')
const path = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join('/'))
  .filter((text) => text.length <= 100 || text.lastIndexOf('/') <= 155)
  .filter((text) => text.length - text.lastIndexOf('/') <= 101)

const files: fc.Arbitrary<TarFile[]> = fc
  .uniqueArray(path, { maxLength: 8 })
  .map((paths) => paths.filter((one) => !paths.some((other) => one.startsWith(`${other}/`))))
  .chain((paths) =>
    fc.tuple(
      ...paths.map((one) =>
        fc.record({
          path: fc.constant(one),
          mode: fc.constantFrom(0o644, 0o755),
          bytes: fc.uint8Array({ maxLength: 1100 }),
        }),
      ),
    ),
  )

const sorted = (list: readonly TarFile[]): TarFile[] => list.toSorted((a, b) => (a.path < b.path ? -1 : 1))

it('reads what it packs', () => {
  fc.assert(
    fc.property(files, (list) => {
      expect(readTar(packTar(list), LIMITS)).toEqual(sorted(list))
    }),
  )
})

it('reads nothing else: whatever it accepts is what it would pack', () => {
  fc.assert(
    fc.property(files, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, place, mask) => {
      const bytes = packTar(list)
      bytes[place % bytes.length]! ^= mask
      expect(repacked(bytes)).toEqual(bytes)
    }),
    { numRuns: 500 },
  )
})

it('refuses a header of which any bit was flipped', () => {
  const bytes = packTar([{ path: `${'a'.repeat(120)}/b`, mode: 0o755, bytes: new Uint8Array(3) }])
  for (let at = 0; at < 512; at++)
    for (let bit = 0; bit < 8; bit++) {
      bytes[at]! ^= 1 << bit
      expect(() => readTar(bytes, LIMITS), `byte ${at}, bit ${bit}`).toThrowError(
        expect.objectContaining({ code: 'TAR_MALFORMED' }),
      )
      bytes[at]! ^= 1 << bit
    }
})

it('takes any bytes without another error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      expect(repacked(bytes)).toEqual(bytes)
    }),
  )
})

/** What its files are packed to again; the bytes themselves when they are refused. */
function repacked(bytes: Uint8Array): Uint8Array {
  try {
    return packTar(readTar(bytes, LIMITS))
  } catch (error) {
    if (error instanceof SottoError && error.code === 'TAR_MALFORMED') return bytes
    throw error
  }
}
