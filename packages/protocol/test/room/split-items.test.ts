import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { itemHeader, MAX_ITEM_BYTES, splitItems } from '@sotto/protocol/room'
import { refusal } from './refusals.ts'

const written = (items: readonly Uint8Array[]): Uint8Array =>
  concat(...items.flatMap((item) => [itemHeader(item.length), item]))

/** The same bytes in pieces, each of one of these sizes in turn. */
async function* inPieces(content: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, next = 0; at < content.length; next++) {
    const size = sizes[next % sizes.length]!
    yield content.slice(at, at + size)
    at += size
  }
}

const read = (content: AsyncIterable<Uint8Array>, items: number, max?: number): Promise<Uint8Array[]> =>
  Array.fromAsync(splitItems(content, items, max))
const whole = (content: Uint8Array, items: number, max?: number): Promise<Uint8Array[]> =>
  read(inPieces(content, [Math.max(1, content.length)]), items, max)

const ITEMS = ['one', '', 'three', ''].map(utf8)
const CONTENT = written(ITEMS)

const lists = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 12 })
/** Empty pieces too, but not only those: they would never end. */
const pieceSizes = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 })
  .filter((sizes) => sizes.some((size) => size > 0))

describe('items of an input', () => {
  it('have their length before them, the most significant byte first', () => {
    expect(itemHeader(0)).toEqual(Uint8Array.of(0, 0, 0, 0))
    expect(itemHeader(0x01020304)).toEqual(Uint8Array.of(1, 2, 3, 4))
    expect(itemHeader(MAX_ITEM_BYTES)).toEqual(Uint8Array.of(0x40, 0, 0, 0))
  })

  it('are the same in whatever pieces they come, and empty ones are items', async () => {
    for (let size = 1; size <= CONTENT.length; size++)
      expect(await read(inPieces(CONTENT, [size]), ITEMS.length)).toEqual(ITEMS)
  })

  it('any items in any pieces are those that were written', async () => {
    await fc.assert(
      fc.asyncProperty(lists, pieceSizes, async (items, sizes) => {
        expect(await read(inPieces(written(items), sizes), items.length)).toEqual(items)
      }),
    )
  })

  it('any other number than the manifest states is refused, whatever pieces they come in', async () => {
    const other = fc.integer({ min: -3, max: 3 }).filter((by) => by !== 0)
    await fc.assert(
      fc.asyncProperty(lists, pieceSizes, other, async (items, sizes, by) => {
        const reading = read(inPieces(written(items), sizes), items.length + by)
        await expect(reading).rejects.toThrow(refusal('ROOM_DATA'))
      }),
    )
  })

  it('end where their content ends: no shorter content passes, and none with a byte more', async () => {
    for (let end = 0; end < CONTENT.length; end++)
      await expect(whole(CONTENT.subarray(0, end), ITEMS.length), `${end}`).rejects.toThrow(
        refusal('ROOM_DATA'),
      )
    for (const more of [1, 2, 3, 4, 5])
      await expect(whole(concat(CONTENT, new Uint8Array(more)), ITEMS.length)).rejects.toThrow(
        refusal('ROOM_DATA'),
      )
  })

  it('as large as allowed pass, and one byte more is refused before it has come', async () => {
    expect(await whole(written([new Uint8Array(10)]), 1, 10)).toEqual([new Uint8Array(10)])
    async function* header(bytes: number): AsyncGenerator<Uint8Array> {
      yield itemHeader(bytes)
      throw new Error('asked for more')
    }
    await expect(read(header(11), 1, 10)).rejects.toThrow(refusal('ROOM_DATA'))
    await expect(read(header(MAX_ITEM_BYTES + 1), 1)).rejects.toThrow(refusal('ROOM_DATA'))
    await expect(read(header(2 ** 32 - 1), 1)).rejects.toThrow(refusal('ROOM_DATA'))
  })

  it('are given as they come, before the rest is read', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield CONTENT
    }
    const items = splitItems(endless(), 2 ** 40)
    expect(await items.next()).toEqual({ done: false, value: utf8('one') })
    expect(await items.next()).toEqual({ done: false, value: new Uint8Array(0) })
    await items.return(undefined)
  })

  it('do not share memory with the pieces they came in', async () => {
    const content = CONTENT.slice()
    const [first] = await whole(content, ITEMS.length)
    content.fill(0)
    expect(first).toEqual(utf8('one'))
  })

  it('what breaks while it is read breaks here too', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield CONTENT.subarray(0, 5)
      throw new Error('the disk is gone')
    }
    await expect(read(broken(), 4)).rejects.toThrow('the disk is gone')
  })
})
