import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { splitCertificateTable } from '@sotto/serve/evidence'

const RUNS = process.env['SLOW'] ? 2000 : 200
const guid = (number: number): Uint8Array => new Uint8Array(16).fill(number)
const word = (value: number): Uint8Array => Uint8Array.of(value, value >> 8, value >> 16, value >>> 24)

/** A table as hypervisors write it: entries, a zero one, then the pieces one after the other. */
function table(pieces: readonly Uint8Array[]): Uint8Array {
  let offset = 24 * (pieces.length + 1)
  const entries = pieces.map((piece, index) => {
    const entry = concat(guid(index + 1), word(offset), word(piece.length))
    offset += piece.length
    return entry
  })
  return concat(...entries, new Uint8Array(24), ...pieces)
}

describe('the host’s table of certificates', () => {
  it('is cut into what it was made of', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 16 }), (pieces) => {
        expect(Object.values(splitCertificateTable(table(pieces)))).toEqual(pieces)
      }),
      { numRuns: RUNS },
    )
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['no end', concat(guid(1), word(0), word(0))],
    ['too many entries', table(Array.from({ length: 17 }, () => guid(0)))],
    ['a piece past the end', concat(guid(1), word(48), word(9), new Uint8Array(24), new Uint8Array(8))],
    ['a piece far past the end', concat(guid(1), word(0xffff_fff0), word(32), new Uint8Array(32))],
    ['a piece inside the entries', concat(guid(1), word(24), word(8), new Uint8Array(32))],
    ['a GUID twice', concat(guid(1), word(72), word(1), guid(1), word(72), word(1), new Uint8Array(25))],
  ])('is malformed with %s', (_what, bytes) => {
    expect(() => splitCertificateTable(bytes)).toThrow(expect.objectContaining({ code: 'COLLECT_MALFORMED' }))
  })

  it('whatever its bytes are is cut or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          for (const piece of Object.values(splitCertificateTable(bytes)))
            expect(piece.length).toBeLessThanOrEqual(bytes.length)
        } catch (error) {
          expect(error).toBeInstanceOf(SottoError)
        }
      }),
      { numRuns: RUNS },
    )
  })
})
