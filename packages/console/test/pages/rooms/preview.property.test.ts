import { utf8 } from '@sotto/protocol/bytes'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MAX_SHOWN_ROWS, previewOf } from '../../../src/pages/rooms/preview.ts'

const HIDDEN = /[\u202A-\u202E\u2066-\u2069\u061C\u200E\u200F\uFEFF\p{Zl}\p{Zp}]/u

it('shows any bytes, bounded, and with nothing hidden', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 500 }), fc.string({ unit: 'binary' }).map(utf8)),
      (content) => {
        const preview = previewOf(content)
        expect(HIDDEN.test(JSON.stringify(preview))).toBe(false)
      },
    ),
  )
})

it('shows every table as it is written, up to a number of rows', () => {
  const cell = fc.oneof(fc.integer(), fc.boolean(), fc.string({ unit: 'grapheme-ascii' }))
  const table = fc
    .integer({ min: 1, max: 5 })
    .chain((width) =>
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 300 }),
    )
  fc.assert(
    fc.property(table, (rows) => {
      const columns = rows[0]!.map((_, at) => ({ name: `c${at}`, type: 'text' }))
      const lines = [{ columns }, ...rows].map((line) => `${JSON.stringify(line)}\n`)
      expect(previewOf(utf8(lines.join('')))).toEqual({
        kind: 'table',
        columns,
        rows: rows.slice(0, MAX_SHOWN_ROWS).map((row) => row.map(String)),
        total: rows.length,
      })
    }),
    { numRuns: 50 },
  )
})
