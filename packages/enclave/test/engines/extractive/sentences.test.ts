import { expect, it } from 'vitest'
import { splitSentences } from '../../../src/engines/extractive/sentences.ts'

const texts = (text: string): string[] => splitSentences(text).map((sentence) => sentence.text)

it('keeps titles, initials and abbreviations inside their sentence', () => {
  expect(texts('Dr. Smith met J. R. Jones at St. Mary, i.e. near the U.S. Embassy. He was late.')).toEqual([
    'Dr. Smith met J. R. Jones at St. Mary, i.e. near the U.S. Embassy.',
    'He was late.',
  ])
  expect(texts('See No. 7 and Fig. 3 of Vol. 2. They met on Jan. 5 at 3 p.m. Then they left.')).toEqual([
    'See No. 7 and Fig. 3 of Vol. 2.',
    'They met on Jan. 5 at 3 p.m.',
    'Then they left.',
  ])
})

it('ends sentences after ordinary words that look like abbreviations', () => {
  expect(texts('He said no. There he sat. It was art. She left.')).toHaveLength(4)
  expect(texts('So did I. Then we slept.')).toHaveLength(2)
})

it('keeps closing quotes, and decimals, addresses and ellipses inside', () => {
  expect(texts('“Stop!” She ran. “Why?” he asked. It cost 3.50 at example.org. Well… perhaps.')).toEqual([
    '“Stop!”',
    'She ran.',
    '“Why?” he asked.',
    'It cost 3.50 at example.org.',
    'Well… perhaps.',
  ])
})

it('ends at empty lines and list items whatever the punctuation', () => {
  expect(splitSentences('A heading\n\nFirst line\nof a paragraph. Second.\n- item one\n- item two')).toEqual([
    { text: 'A heading', paragraph: 0, isFirstOfParagraph: true },
    { text: 'First line of a paragraph.', paragraph: 1, isFirstOfParagraph: true },
    { text: 'Second.', paragraph: 1, isFirstOfParagraph: false },
    { text: '- item one', paragraph: 2, isFirstOfParagraph: true },
    { text: '- item two', paragraph: 3, isFirstOfParagraph: true },
  ])
})

it('splits scripts without capitals and without spaces', () => {
  expect(texts('今日は晴れです。明日は雨でしょう。')).toEqual(['今日は晴れです。', '明日は雨でしょう。'])
  expect(texts('')).toEqual([])
})
