import { concat, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readAhead } from '../../../src/models/owned/read-ahead.ts'
import { splitFiles } from '../../../src/models/owned/split-files.ts'

const numRuns = process.env['SLOW'] === '1' ? 500 : 60
const digestOf = (bytes: Uint8Array): string => toHex(crypto.sha256(bytes))

test('a file is read once, in order, whatever its blocks and whatever is asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 4000 }),
      fc.integer({ min: 1, max: 700 }),
      fc.integer({ min: 1, max: 900 }),
      async (file, blockBytes, step) => {
        const asked: number[] = []
        const remote = readAhead({
          bytes: file.length,
          digest: digestOf(file),
          blockBytes,
          async fetchRange(start, length) {
            asked.push(start)
            return file.slice(start, start + length)
          },
        })
        const parts: Uint8Array[] = []
        for (let at = 0; at < file.length; at += step) parts.push((await remote.read(at, step)).slice())
        await remote.finish()
        expect(concat(...parts)).toEqual(file)
        expect(asked).toEqual([...new Set(asked)])
        expect(asked).toHaveLength(Math.ceil(file.length / blockBytes))
      },
    ),
    { numRuns },
  )
})

test('several ranges are under way at once, and never many', async () => {
  let [running, most] = [0, 0]
  const file = new Uint8Array(64)
  const remote = readAhead({
    bytes: 64,
    digest: digestOf(file),
    blockBytes: 1,
    async fetchRange(start, length) {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return file.slice(start, start + length)
    },
  })
  for (let at = 0; at < 64; at++) await remote.read(at, 1)
  await remote.finish()
  expect(most).toBe(4)
})

test('another file than was signed is refused at its end, though every range was as long as asked', async () => {
  const file = new Uint8Array(100).fill(7)
  const remote = readAhead({
    bytes: 100,
    digest: digestOf(file),
    blockBytes: 30,
    fetchRange: async (start, length) => file.slice(start, start + length).fill(start === 90 ? 8 : 7),
  })
  await remote.read(0, 10)
  await expect(remote.finish()).rejects.toMatchObject({ code: 'OWNED_MODEL_REFUSED' })
})

test('what is not wanted any more is stopped', async () => {
  const signals: AbortSignal[] = []
  const remote = readAhead({
    bytes: 100,
    digest: '',
    blockBytes: 10,
    fetchRange: (_, __, signal) => {
      signals.push(signal)
      return new Promise(() => undefined)
    },
  })
  remote.close()
  expect(signals.length).toBe(4)
  expect(signals.every(({ aborted }) => aborted)).toBe(true)
})

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
