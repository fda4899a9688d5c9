import { closeSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { directoryOfItems, findItems, type WasiDirectory } from '../../../src/room/wasm/wasi/index.ts'
import { ramFile } from '../sql/engine.ts'
import { codeOf, joinItems } from './programs.ts'

/** What a directory of items has, once it is made of these bytes. */
function contents(bytes: Uint8Array, count: number): string[] {
  const fd = ramFile(bytes)
  try {
    const directory: WasiDirectory = directoryOfItems(4n, fd, findItems(fd, bytes.length, count))
    return Array.from({ length: directory.count }, (_, at) => {
      const file = directory.find(directory.nameAt(at))
      if (file?.kind !== 'file') throw new Error('no file')
      const into = new Uint8Array(file.size + 10)
      return Buffer.from(into.subarray(0, file.read(0, into))).toString('latin1')
    })
  } finally {
    closeSync(fd)
  }
}

describe('items of an input', () => {
  it('are those that were joined', () => {
    const items = fc.array(fc.string({ maxLength: 40, unit: 'binary-ascii' }), {
      minLength: 1,
      maxLength: 20,
    })
    fc.assert(
      fc.property(items, (list) => {
        expect(contents(joinItems(list), list.length)).toEqual(list)
      }),
      { numRuns: 50 },
    )
  })

  it('may be larger than what is read at once, and end anywhere in it', () => {
    for (const length of [65_527, 65_528, 65_529, 65_531, 65_532, 65_533, 200_000]) {
      const list = ['a'.repeat(length), 'b', '', 'c'.repeat(65_536), 'd']
      expect(contents(joinItems(list), list.length)).toEqual(list)
    }
  })

  it.each([
    ['fewer than stated', joinItems(['a']), 2],
    ['more than stated', joinItems(['a', 'b']), 1],
    ['cut', joinItems(['abc']).subarray(0, 6), 1],
    ['cut in a length', joinItems(['abc', 'd']).subarray(0, 9), 2],
    ['longer than all there is', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1), 1],
    ['nothing', new Uint8Array(), 1],
  ])('are refused where they are %s', (_, bytes, count) => {
    expect(codeOf(() => contents(bytes, count))).toBe('ROOM_WASM_INPUT')
  })
})
