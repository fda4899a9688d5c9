import { concat, fromUtf8 } from '@sotto/protocol/bytes'
import { splitItems } from '@sotto/protocol/room'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MAX_LINE_BYTES, linesOf } from '../../../src/rooms/data/lines.ts'
import { sealData } from '../../../src/rooms/index.ts'
import { ARCHIVE, blob, contentOf, contractOf, openData } from './inputs.ts'

const RUNS = { numRuns: process.env['SLOW'] ? 300 : 30 }
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })

/** A file that comes in pieces of these sizes, over and over. */
function inPieces(bytes: Uint8Array, pieces: readonly number[]): Blob {
  const file = blob(bytes)
  file.stream = () => {
    let at = 0
    let turn = 0
    return new ReadableStream({
      pull(controller) {
        if (at === bytes.length) return controller.close()
        const end = Math.min(bytes.length, at + pieces[turn++ % pieces.length]!)
        controller.enqueue(bytes.slice(at, end))
        at = end
      },
    })
  }
  return file
}

async function* cut(bytes: Uint8Array, pieces: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = pieces[turn % pieces.length]!
    yield bytes.subarray(at, at + size)
    at += size
  }
}

it('property: items of any bytes come back from sealed data, in whatever pieces files and content come', async () => {
  const magic = Uint8Array.of(0x66, 0x4c, 0x61, 0x43)
  const items = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(items, sizes, sizes, async (recordings, pieces, again) => {
      const named = contractOf('audio')
      const all = recordings.map((bytes) => concat(magic, bytes))
      const files = all.map((bytes, at) => [`${at + 100}`, inPieces(bytes, pieces)] as const)
      const content = await contentOf('audio', Object.fromEntries(files))
      const sealed = await sealData(content, ARCHIVE, { named, input: 'letters', version: 1 })
      const opened = await openData(sealed)
      expect(opened.digest).toBe(content.digest)
      const found = await Array.fromAsync(splitItems(cut(opened.content, again), opened.manifest.items))
      expect(found.map((item) => [...item])).toEqual(all.map((item) => [...item]))
    }),
    RUNS,
  )
})

it('property: texts come back from JSON Lines, in whatever pieces', async () => {
  const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(texts, sizes, fc.constantFrom('\n', '\r\n', '\n\n'), async (all, pieces, end) => {
      const lines = all.map((text, at) => JSON.stringify(at % 2 ? text : { id: at, text })).join(end)
      const file = inPieces(new TextEncoder().encode(lines), pieces)
      const { manifest, read } = await contentOf('text', { 'all.jsonl': file })
      const items = await Array.fromAsync(splitItems(read(), manifest.items))
      expect(items.map((item) => fromUtf8(item))).toEqual(all)
    }),
    RUNS,
  )
})

it('property: lines are those between line feeds, in whatever pieces', async () => {
  const texts = fc.array(fc.stringMatching(/^[a-z\r]{0,9}$/), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(texts, sizes, async (lines, pieces) => {
      const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
      const found = await Array.fromAsync(linesOf('a', cut(bytes, pieces)))
      expect(found.map((line) => fromUtf8(line.bytes))).toEqual(lines.map((line) => line.replace(/\r$/, '')))
      expect(found.map(({ number }) => number)).toEqual(lines.map((_line, at) => at + 1))
    }),
    RUNS,
  )
})

it('takes a line of as many bytes as one may have, and not one more', async () => {
  const longest = new Uint8Array(MAX_LINE_BYTES).fill(0x61)
  const pieces = [1_000_003]
  const [line] = await Array.fromAsync(linesOf('a', cut(longest, pieces)))
  expect(line!.bytes.length).toBe(MAX_LINE_BYTES)
  const longer = concat(longest, longest.subarray(0, 1))
  await expect(Array.fromAsync(linesOf('a', cut(longer, pieces)))).rejects.toMatchObject({
    code: 'ROOM_DATA_SOURCE',
    message: 'line 1 of a is too long',
  })
})
