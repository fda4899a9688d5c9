import { concat } from '@sotto/protocol/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTexts, type TextSource } from '../../src/train/data/read-texts.ts'
import { itemsOf, textsOf } from './tunings.ts'

const HELLO = textsOf('notes', ['hello', 'there'])
const withBytes = (bytes: Uint8Array, items = HELLO.items): TextSource => ({
  ...HELLO,
  items,
  size: bytes.length,
  bytes,
})

describe('texts of an input', () => {
  it('property: are read as they were sealed, in order, with or without a guarantee', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 }),
        fc.boolean(),
        async (texts, isPrivate) => {
          expect(await readTexts(textsOf('notes', texts), isPrivate)).toEqual(texts)
        },
      ),
    )
  })

  it('keep the mark that some writers begin a file with', async () => {
    expect(await readTexts(textsOf('notes', ['\u{feff}a']), false)).toEqual(['\u{feff}a'])
  })

  it('property: of any bytes are texts or ROOM_TRAIN_TEXT, in words without them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(3),
        fc.boolean(),
        async (bytes, items, isPrivate) => {
          try {
            expect(await readTexts(withBytes(bytes, items), isPrivate)).toHaveLength(items)
          } catch (error) {
            expect(error).toMatchObject({
              code: 'ROOM_TRAIN_TEXT',
              message: 'text notes is not what its owner stated, or no UTF-8',
            })
            expect((error as Error).cause).toBe(undefined)
          }
        },
      ),
    )
  })

  it.each<[string, TextSource]>([
    ['fewer than stated', withBytes(HELLO.bytes, 3)],
    ['more than stated', withBytes(HELLO.bytes, 1)],
    ['cut', withBytes(HELLO.bytes.slice(0, -1))],
    ['followed by something', withBytes(concat(HELLO.bytes, Uint8Array.of(0)))],
    ['longer than all of them', withBytes(concat(Uint8Array.of(255, 255, 255, 255), HELLO.bytes))],
  ])('are refused where they are %s, with a guarantee as well', async (_, source) => {
    for (const isPrivate of [false, true])
      await expect(readTexts(source, isPrivate)).rejects.toMatchObject({ code: 'ROOM_TRAIN_TEXT' })
  })

  it.each<[string, Uint8Array, number]>([
    ['is no UTF-8', Uint8Array.of(0x61, 0xff), 2],
    ['is longer than a text may be', new Uint8Array(2 ** 24 + 1).fill(0x61), 2 ** 24],
  ])('one of which %s are read with a guarantee, as far as it goes', async (_, bytes, length) => {
    const source = withBytes(itemsOf([bytes]), 1)
    await expect(readTexts(source, false)).rejects.toMatchObject({ code: 'ROOM_TRAIN_TEXT' })
    expect((await readTexts(source, true))[0]).toHaveLength(length)
  })

  it('are not looked at where they are more than a trainer takes', async () => {
    const source: TextSource = {
      ...HELLO,
      size: 2 ** 27 + 1,
      get bytes(): Uint8Array {
        throw new TypeError('read')
      },
    }
    await expect(readTexts(source, true)).rejects.toMatchObject({
      code: 'ROOM_TRAIN_TOO_LARGE',
      message: 'text notes is larger than a trainer takes',
    })
  })
})
