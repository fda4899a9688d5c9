import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BARE, LISTED, syntaxOf, TAGGED, type ToolSyntax } from '../../../src/engines/gguf/tools/syntax.ts'
import { type AnswerPart, ToolParser } from '../../../src/engines/gguf/tools/tool-parser.ts'

interface Read {
  text: string
  calls: { name: string; arguments: string }[]
}

function read(syntax: ToolSyntax, pieces: readonly string[]): Read {
  const parser = new ToolParser(syntax)
  const parts: AnswerPart[] = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.flush()]
  const result: Read = { text: '', calls: [] }
  for (const part of parts) {
    if (part.type === 'text') result.text += part.text
    else {
      const call = (result.calls[part.index] ??= { name: '', arguments: '' })
      call.name += part.name ?? ''
      call.arguments += part.arguments
    }
  }
  expect(parser.count).toBe(result.calls.length)
  return result
}

function written({ begin, open, middle, close, between, end }: ToolSyntax, calls: Read['calls']): string {
  const texts = calls.map((call) => `${open}${call.name}${middle}${call.arguments}${close}`)
  return calls.length === 0 ? '' : `${begin}${texts.join(between)}${end}`
}

const cuts = fc.array(fc.nat(7), { minLength: 1 })
const call = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/),
  arguments: fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
})

describe.each([
  ['tagged', TAGGED],
  ['listed', LISTED],
  ['bare', BARE],
])('calls in %s syntax', (_name, syntax) => {
  it('come out as they were written, wherever tokens cut them', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(call, { maxLength: 3 }), cuts, (text, calls, lengths) => {
        fc.pre(!text.includes(syntax.trigger))
        expect(read(syntax, cut(text + written(syntax, calls), lengths))).toEqual({ text, calls })
      }),
    )
  })

  it('come out as far as they go when the answer is cut', () => {
    const calls = [{ name: 'f', arguments: '{"a":["}\\""]}' }]
    const whole = written(syntax, calls)
    const middle = whole.indexOf('"}') + 1
    expect(read(syntax, [whole.slice(0, middle)]).calls).toEqual([{ name: 'f', arguments: '{"a":["' }])
  })
})

it('says what a template teaches', () => {
  expect(syntaxOf('{% for m in messages %}tools are fine{% endfor %}')).toBeUndefined()
  expect(syntaxOf('{%- if tools %}<tool_call>{% endif %}')).toBe(TAGGED)
  expect(syntaxOf('{% if tools is not none %}[TOOL_CALLS]{% endif %}')).toBe(LISTED)
  expect(syntaxOf('{% for t in tools %}{"name": f, "parameters": dictionary}{% endfor %}')).toBe(BARE)
})

/** Pieces of these lengths, over and over; a zero is an empty piece. */
function cut(text: string, lengths: readonly number[]): string[] {
  const pieces: string[] = []
  for (let at = 0, i = 0; at < text.length; i++) {
    const length = lengths[i % lengths.length]! || (i % lengths.length === 0 ? 1 : 0)
    pieces.push(text.slice(at, at + length))
    at += length
  }
  return pieces
}
