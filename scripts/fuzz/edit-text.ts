import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import type { Random } from './random.ts'

/** Fragments that parsers of JSON, XML, PEM and tokens have stumbled over. */
const FRAGMENTS = [
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '{',
  '}',
  '[',
  ']',
  '[['.repeat(500),
  '{"a":'.repeat(500),
  ',',
  ':',
  'null',
  '1e999',
  '-0',
  '9007199254740993',
  '"__proto__":{"a":1},',
  '"constructor":',
  '<',
  '>',
  '&',
  '&amp;',
  '&#0;',
  '&#x1F600;',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  '&b;',
  '<?xml version="1.0"?>',
  '<a>'.repeat(500),
  'xmlns="x"',
  ' xmlns:a="b"',
  '-----BEGIN CERTIFICATE-----',
  '-----END CERTIFICATE-----',
  '=',
  '==',
  '.',
  '..',
  '\u0000',
  '\uFEFF',
  '\r\n',
  '\u2028',
  'A'.repeat(5000),
  ' '.repeat(5000),
] as const

type Edit = (text: string, random: Random) => string

const EDITS: readonly Edit[] = [
  (text, random) => insert(text, random, random.pick(FRAGMENTS)),
  (text, random) => insert(text, random, String.fromCodePoint(random.below(0x3000))),
  // A token, number or word becomes another one of the same text.
  (text, random) => {
    const words = [...text.matchAll(/[A-Za-z0-9._:-]{1,64}/g)].slice(0, 4000)
    if (words.length < 2) return `${text}0`
    const [a, b] = [random.pick(words), random.pick(words)]
    return text.slice(0, a.index) + b[0] + text.slice(a.index + a[0].length)
  },
  // A range between two brackets or tags is doubled, removed or moved.
  (text, random) => {
    const marks = [...text.matchAll(/[{}[\]<>,]/g)].slice(0, 8000).map(({ index }) => index)
    if (marks.length < 2) return text.slice(1)
    const [from, to] = [random.pick(marks), random.pick(marks)].toSorted((x, y) => x - y)
    const range = text.slice(from, to)
    const at = random.pick(marks)
    return random.pick([
      text.slice(0, from) + text.slice(to),
      text.slice(0, to) + range + text.slice(to),
      text.slice(0, at) + range + text.slice(at),
    ])
  },
  (text, random) => text.slice(0, random.below(text.length)),
  (text, random) =>
    text.replace(
      random.pick(['true', 'false', '"', ' ', '0', '1', '\n']),
      random.pick(['', 'false', '"', '  ', '9', '00']),
    ),
]

/** Changes a text where its grammar is: brackets, quotes, words, entities. */
export function editText(bytes: Uint8Array, random: Random): Uint8Array {
  let text: string
  try {
    text = fromUtf8(bytes)
  } catch {
    return bytes.slice(0, -1)
  }
  return utf8(random.pick(EDITS)(text, random).toWellFormed())
}

function insert(text: string, random: Random, fragment: string): string {
  const at = random.below(text.length + 1)
  return text.slice(0, at) + fragment + text.slice(at)
}
