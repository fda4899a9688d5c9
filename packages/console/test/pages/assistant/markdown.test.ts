import fc from 'fast-check'
import { expect, it } from 'vitest'
import { blocksOf } from '../../../src/pages/assistant/markdown.ts'

it('paragraphs, headings, lists, code and emphasis are data', () => {
  expect(
    blocksOf('# One\nTwo **three**\nfour `5*6*7`\n\n- a\n  b\n- c\n3. d\n```js\n# no heading\n'),
  ).toEqual([
    { type: 'heading', spans: [{ style: 'plain', text: 'One' }] },
    {
      type: 'paragraph',
      spans: [
        { style: 'plain', text: 'Two ' },
        { style: 'strong', text: 'three' },
        { style: 'plain', text: '\nfour ' },
        { style: 'code', text: '5*6*7' },
      ],
    },
    {
      type: 'list',
      items: [
        [
          { style: 'plain', text: 'a' },
          { style: 'plain', text: ' b' },
        ],
        [{ style: 'plain', text: 'c' }],
      ],
    },
    { type: 'list', start: 3, items: [[{ style: 'plain', text: 'd' }]] },
    { type: 'code', text: '# no heading\n' },
  ])
})

it('an address is never more than text', () => {
  const link = '[here](https://example.com/?q=secret) ![x](https://example.com/x.png) <a href=x>'
  expect(blocksOf(link)).toEqual([{ type: 'paragraph', spans: [{ style: 'plain', text: link }] }])
})

it('any text gives blocks, and no word of it is lost', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '*', '`', '\n', ' ', '-', '#', '1', '.') }),
      (text) => {
        const letters = (value: string): number => value.replaceAll(/[^a]/g, '').length
        expect(letters(JSON.stringify(blocksOf(text).map((block) => textsOf(block))))).toBeGreaterThanOrEqual(
          letters(text.replaceAll(/^\s*```.*$/gm, '')),
        )
      },
    ),
  )
})

function textsOf(block: ReturnType<typeof blocksOf>[number]): unknown {
  if (block.type === 'code') return block.text
  if (block.type === 'list') return block.items.flat().map(({ text }) => text)
  return block.spans.map(({ text }) => text)
}
