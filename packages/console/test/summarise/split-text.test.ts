import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { splitText } from '../../src/pages/summarise/split-text.ts'

it('cuts between paragraphs, then sentences, then words', () => {
  expect(splitText('One two.\n\nThree four five.', 12)).toEqual(['One two.\n\n', 'Three four ', 'five.'])
  expect(splitText('First one. Second one here.', 18)).toEqual(['First one. ', 'Second one here.'])
  expect(splitText('', 10)).toEqual([])
})

it('does not tear a character apart', () => {
  expect(splitText('a😀😀', 2)).toEqual(['a', '😀', '😀'])
})

it('property: the parts are the text, and none is too long', () => {
  const text = fc
    .array(fc.constantFrom('a', 'bc', ' ', '\n', '\n\n', '. ', '。', '😀'))
    .map((all) => all.join(''))
  fc.assert(
    fc.property(text, fc.integer({ min: 2, max: 20 }), (all, most) => {
      const parts = splitText(all, most)
      expect(parts.join('')).toBe(all)
      expect(parts.every(({ length }) => length > 0 && length <= most)).toBe(true)
    }),
  )
})
