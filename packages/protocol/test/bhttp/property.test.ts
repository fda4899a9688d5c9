import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BhttpEvent,
  type BhttpField,
  type BhttpMessageParser,
  decodeRequest,
  decodeResponse,
  encodeContentChunk,
  encodeEnd,
  encodeRequest,
  encodeRequestStart,
  encodeResponse,
  encodeResponseStart,
  parseRequest,
  parseResponse,
} from '@sotto/protocol/bhttp'
import { concat, toHex } from '@sotto/protocol/bytes'

const runs = process.env['SLOW'] === '1' ? 500 : 25
const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9a-z]{1,12}$/)
const name = token.filter((n) => !['te', 'connection', 'upgrade', 'content-length'].includes(n))
const value = fc.stringMatching(/^([\x21-\x7e\x80-\xff]([\t -~\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?)?$/)
const fields = fc.array(fc.tuple(name, value) as fc.Arbitrary<BhttpField>, { maxLength: 6 })
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'M-SEARCH'),
  scheme: fc.constantFrom('https', 'http'),
  authority: fc.constantFrom('', 'a.example', '[::1]:8443'),
  path: fc.constantFrom('/', '/a?b=c&d=%20', '*'),
  fields,
})
const informational = fc.array(fc.record({ status: fc.constantFrom(100, 102, 103, 199), fields }), {
  maxLength: 3,
})
const response = fc.record({ status: fc.integer({ min: 200, max: 599 }), fields })
const content = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 })
const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 })

/** Events with neighbouring content joined, which is how two ways of cutting may differ. */
function events<Head>(parser: BhttpMessageParser<Head>, pieces: Uint8Array[]): unknown[] {
  const out: unknown[] = []
  let held = ''
  const take = (event: BhttpEvent<Head>): void => {
    if (event.type === 'content') held += toHex(event.bytes)
    else {
      out.push(held, event)
      held = ''
    }
  }
  for (const piece of pieces) parser.push(piece).forEach(take)
  parser.finish().forEach(take)
  return out
}

function cut(wire: Uint8Array, sizes: number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let offset = 0, i = 0; offset < wire.length; i++) {
    pieces.push(wire.slice(offset, offset + sizes[i % sizes.length]!))
    offset += sizes[i % sizes.length]!
  }
  return pieces
}

describe('binary HTTP', () => {
  it('decodes the requests it encodes, in both framings', () => {
    fc.assert(
      fc.property(request, content, fields, fc.nat(100), (head, content, trailers, padding) => {
        const streamed = [
          encodeRequestStart(head),
          ...content.flatMap(encodeContentChunk),
          encodeEnd(trailers, padding),
        ]
        for (const wire of [encodeRequest(head, { content, trailers }), streamed]) {
          const message = decodeRequest(wire)
          expect({ ...message, content: toHex(concat(...message.content)) }).toEqual({
            head,
            trailers,
            informational: [],
            content: toHex(concat(...content)),
          })
        }
      }),
      { numRuns: runs },
    )
  })

  it('decodes the responses it encodes, in both framings', () => {
    fc.assert(
      fc.property(response, informational, content, fields, (head, informational, content, trailers) => {
        const streamed = [
          encodeResponseStart(head, informational),
          ...content.flatMap(encodeContentChunk),
          encodeEnd(trailers),
        ]
        for (const wire of [encodeResponse(head, { content, trailers, informational }), streamed]) {
          const message = decodeResponse(wire)
          expect({ ...message, content: toHex(concat(...message.content)) }).toEqual({
            head,
            trailers,
            informational,
            content: toHex(concat(...content)),
          })
        }
      }),
      { numRuns: runs },
    )
  })

  it('reports the same events however the input is cut, down to single bytes', () => {
    fc.assert(
      fc.property(
        response,
        informational,
        content,
        fields,
        cuts,
        (head, informational, content, trailers, sizes) => {
          const known = concat(...encodeResponse(head, { content, trailers, informational }))
          const streamed = concat(
            encodeResponseStart(head, informational),
            ...content.flatMap(encodeContentChunk),
            encodeEnd(trailers, 3),
          )
          for (const wire of [known, streamed]) {
            const whole = events(parseResponse(), [wire])
            expect(events(parseResponse(), cut(wire, sizes))).toEqual(whole)
            expect(events(parseResponse(), cut(wire, [1]))).toEqual(whole)
          }
        },
      ),
      { numRuns: runs },
    )
  })

  it('answers every input with events or one of its three errors', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), cuts, (wire, sizes) => {
        const outcomes = [[wire], cut(wire, sizes)].map((pieces) => {
          try {
            return JSON.stringify(events(parseRequest(), pieces))
          } catch (error) {
            return (error as { code?: string }).code
          }
        })
        expect(outcomes[0]).toBe(outcomes[1])
        expect(outcomes[0]).toMatch(/^(\[|BHTTP_(MALFORMED|TRUNCATED|TOO_LARGE)$)/)
      }),
      { numRuns: runs * 20 },
    )
  })

  it('takes time linear in the input when it dribbles in byte by byte', () => {
    const head = { method: 'POST', scheme: 'https', authority: '', path: '/', fields: [] }
    const big = { ...head, fields: [['a', 'x'.repeat(60_000)] as const] }
    const wire = concat(...encodeRequest(big, { content: [new Uint8Array(60_000)] }))
    const start = performance.now()
    events(parseRequest(), cut(wire, [1]))
    expect(performance.now() - start).toBeLessThan(2000)
  })
})
