import { editBytes, flipBit, setNumber, truncate } from './edit-bytes.ts'
import { editDer } from './edit-der.ts'
import type { Random } from './random.ts'

/** Fragments that parsers of JSON, XML, PEM and tokens have stumbled over, one character per byte. */
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
].map((text) => Buffer.from(text, 'utf8').toString('latin1'))

const WORD = /[A-Za-z0-9._:-]{1,64}/g
const MARK = /[{}[\]<>,]/g
const ENCODED = /[A-Za-z0-9+/_-]{40,}={0,2}/g
const SMALL = ['true', 'false', '"', ' ', '0', '1', '\n'] as const

/** Changes a text where its grammar is: brackets, quotes, words, entities. */
export function editText(bytes: Uint8Array, random: Random, text = latin1(bytes)): Uint8Array {
  return fromLatin1(edited(text, random))
}

function edited(text: string, random: Random): string {
  const at = random.below(text.length + 1)
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at) + random.pick(FRAGMENTS) + text.slice(at)
    case 1: {
      const character = Buffer.from(String.fromCodePoint(random.below(0x3000))).toString('latin1')
      return text.slice(0, at) + character + text.slice(at)
    }
    // A token, number or word becomes another one of the same text.
    case 2: {
      const [a, b] = [near(text, WORD, random), near(text, WORD, random)]
      return a === undefined || b === undefined
        ? `${text}0`
        : text.slice(0, a.index) + b[0] + text.slice(a.index + a[0].length)
    }
    // A range between two brackets or tags is doubled, removed or moved.
    case 3: {
      const marks = [near(text, MARK, random), near(text, MARK, random)]
      const [from, to] = marks.map((mark) => mark?.index ?? 0).toSorted((x, y) => x - y) as [number, number]
      const range = text.slice(from, to)
      const place = [0, to, near(text, MARK, random)?.index ?? 0][random.below(3)]!
      return place === 0
        ? text.slice(0, from) + text.slice(to)
        : text.slice(0, place) + range + text.slice(place)
    }
    case 4:
      return text.slice(0, at)
    default: {
      const small = random.pick(SMALL)
      const found = text.indexOf(small, at)
      const made = random.pick(['', 'false', '"', '  ', '9', '00'])
      return found < 0 ? text + made : text.slice(0, found) + made + text.slice(found + small.length)
    }
  }
}

/** Changes what a base64 run of a text holds, as DER where it is. */
export function editInnerBase64(
  bytes: Uint8Array,
  random: Random,
  others: readonly { bytes: Uint8Array }[],
  text = latin1(bytes),
): Uint8Array {
  const run = near(text, ENCODED, random)
  if (run === undefined) return editBytes(bytes, random, others)
  return fromLatin1(
    text.slice(0, run.index) + editBase64(run[0], random) + text.slice(run.index + run[0].length),
  )
}

/** Base64 or base64url of changed bytes, in the same form. */
export function editBase64(text: string, random: Random): string {
  const isUrl = /[_-]/.test(text) || !text.endsWith('=')
  const inner = new Uint8Array(Buffer.from(text, 'base64'))
  const changed = random.pick([editDer, flipBit, setNumber, truncate])(inner, random)
  return Buffer.from(changed).toString(isUrl && text.length % 4 !== 0 ? 'base64url' : 'base64')
}

/** What a pattern finds behind a random place, without reading the whole text. */
function near(text: string, pattern: RegExp, random: Random): RegExpExecArray | undefined {
  pattern.lastIndex = random.below(text.length)
  return pattern.exec(text) ?? undefined
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** A plain array: `slice` of a Buffer is another than that of the arrays parsers expect. */
function fromLatin1(text: string): Uint8Array {
  const made = Buffer.from(text, 'latin1')
  return new Uint8Array(made.buffer, made.byteOffset, made.length)
}
