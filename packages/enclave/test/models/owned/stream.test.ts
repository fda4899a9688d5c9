import { concat } from '@sotto/protocol/bytes'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitFiles } from '../../../src/models/owned/split-files.ts'

const numRuns = process.env['SLOW'] === '1' ? 500 : 60

test('files come out of the stream as they went in, and the end is reached with the last of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 40 }),
      async (contents, cut) => {
        const whole = concat(...contents)
        async function* stream(): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < whole.length; at += cut) yield whole.slice(at, at + cut)
        }
        const files = contents.map((content, index) => ({ name: `f${index}`, size: content.length }))
        let finished = 0
        const split = splitFiles({ files: files as never }, stream(), async () => void finished++)
        for (const [index, content] of contents.entries()) {
          expect(finished).toBe(0)
          const parts: Uint8Array[] = []
          for await (const part of split.get(`f${index}`)!) parts.push(part.slice())
          expect(concat(...parts)).toEqual(content)
        }
        expect(finished).toBe(1)
      },
    ),
    { numRuns },
  )
})
