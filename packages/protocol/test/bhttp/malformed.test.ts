import { describe, expect, it } from 'vitest'
import {
  type BhttpLimits,
  decodeRequest,
  decodeResponse,
  encodeContentChunk,
  encodeEnd,
  encodeRequest,
  encodeRequestStart,
  encodeResponse,
  encodeResponseStart,
  parseRequest,
} from '@sotto/protocol/bhttp'
import { concat, fromHex, utf8 } from '@sotto/protocol/bytes'
import { encodeVarint } from '@sotto/protocol/varint'

const head = { method: 'POST', scheme: 'https', authority: 'a.example', path: '/v1/chat', fields: [] }
const code = (name: string): unknown => expect.objectContaining({ code: name })
const malformed = code('BHTTP_MALFORMED')
const text = (value: string): Uint8Array =>
  concat(encodeVarint(value.length), new Uint8Array([...value].map((c) => c.charCodeAt(0))))

function rawRequest(control: string[], fields: [string, string][] = []): Uint8Array {
  const lines = concat(...fields.flatMap(([name, value]) => [text(name), text(value)]))
  return concat(
    new Uint8Array([0]),
    ...control.map(text),
    encodeVarint(lines.length),
    lines,
    new Uint8Array(2),
  )
}

describe('a hostile request', () => {
  it.each([
    ['empty method', ['', 'https', '', '/']],
    ['line feed in the method', ['GE\nT', 'https', '', '/']],
    ['space in the method', ['GET /', 'https', '', '/']],
    ['capital scheme', ['GET', 'HTTPS', '', '/']],
    ['empty scheme', ['GET', '', '', '/']],
    ['colon in the scheme', ['GET', 'https:', '', '/']],
    ['user information', ['GET', 'https', 'a@b.example', '/']],
    ['slash in the authority', ['GET', 'https', 'a.example/x', '/']],
    ['CR LF in the authority', ['GET', 'https', 'a\r\nhost: b', '/']],
    ['NUL in the authority', ['GET', 'https', 'a\0', '/']],
    ['empty path', ['GET', 'https', '', '']],
    ['path without slash', ['GET', 'https', '', 'x']],
    ['absolute URL as path', ['GET', 'https', '', 'http://b.example/']],
    ['space in the path', ['GET', 'https', '', '/x HTTP/1.1']],
    ['fragment in the path', ['GET', 'https', '', '/#x']],
    ['DEL in the path', ['GET', 'https', '', '/\x7f']],
    ['high byte in the path', ['GET', 'https', '', '/\xe9']],
    ['CONNECT with a path', ['CONNECT', '', 'a.example:443', '/']],
    ['CONNECT without authority', ['CONNECT', '', '', '']],
  ])('is refused for control data: %s', (_name, control) => {
    expect(() => decodeRequest([rawRequest(control)])).toThrow(malformed)
    const [method = '', scheme = '', authority = '', path = ''] = control
    expect(() => encodeRequest({ method, scheme, authority, path, fields: [] })).toThrow(malformed)
  })

  it.each<[string, [string, string]]>([
    ['empty name', ['', 'x']],
    ['capital name', ['Host', 'x']],
    ['pseudo-header', [':path', '/']],
    ['space in the name', ['a b', 'x']],
    ['high byte in the name', ['\xe9', 'x']],
    ['CR LF in the value', ['a', 'b\r\nc: d']],
    ['lone CR', ['a', 'b\rc']],
    ['NUL', ['a', 'b\0c']],
    ['DEL', ['a', 'b\x7f']],
    ['leading space', ['a', ' b']],
    ['trailing tab', ['a', 'b\t']],
    ['transfer-encoding', ['transfer-encoding', 'chunked']],
    ['connection', ['connection', 'close']],
    ['upgrade', ['upgrade', 'websocket']],
    ['te', ['te', 'gzip']],
  ])('is refused for a field: %s', (_name, field) => {
    const trailers = [field]
    expect(() => decodeRequest([rawRequest(['GET', 'https', '', '/'], trailers)])).toThrow(malformed)
    expect(() => encodeRequest({ ...head, fields: trailers })).toThrow(malformed)
    expect(() => encodeRequest(head, { trailers })).toThrow(malformed)
    expect(() => encodeEnd(trailers)).toThrow(malformed)
  })

  it.each<[string, [string, string][]]>([
    ['differs', [['content-length', '4']]],
    [
      'comes twice',
      [
        ['content-length', '3'],
        ['content-length', '3'],
      ],
    ],
    ['is no number', [['content-length', '+3']]],
    ['is a list', [['content-length', '3, 3']]],
  ])('is refused when content-length %s', (_name, fields) => {
    const content = utf8('abc')
    const known = encodeRequest({ ...head, fields }, { content: [content] })
    const streamed = [encodeRequestStart({ ...head, fields }), ...encodeContentChunk(content), encodeEnd()]
    expect(() => decodeRequest(known)).toThrow(malformed)
    expect(() => decodeRequest(streamed)).toThrow(malformed)
  })

  it('is refused for a value that is no byte string', () => {
    expect(() => encodeRequest({ ...head, fields: [['a', '→']] })).toThrow(malformed)
  })

  it('is refused when it is a response, and the other way round', () => {
    expect(() => decodeRequest(encodeResponse({ status: 200, fields: [] }))).toThrow(malformed)
    expect(() => decodeResponse(encodeRequest(head))).toThrow(malformed)
    expect(() => decodeRequest([fromHex('04')])).toThrow(malformed)
  })

  it('is refused with anything but zeros behind it', () => {
    const wire = concat(...encodeRequest(head))
    expect(decodeRequest([wire, new Uint8Array(100)]).head).toEqual(head)
    expect(() => decodeRequest([wire, new Uint8Array(100), new Uint8Array([1])])).toThrow(malformed)
  })
})

describe('a hostile response', () => {
  it.each([0, 99, 101, 600, 16383])('is refused with status %i', (status) => {
    const wire = concat(new Uint8Array([1]), encodeVarint(status), new Uint8Array(6))
    expect(() => decodeResponse([wire])).toThrow(malformed)
    expect(() => encodeResponse({ status, fields: [] })).toThrow(malformed)
    expect(() => encodeResponseStart({ status, fields: [] })).toThrow(malformed)
    const informational = [{ status, fields: [] }]
    expect(() => encodeResponse({ status: 200, fields: [] }, { informational })).toThrow(malformed)
  })
})

describe('limits', () => {
  const field: [string, string] = ['name', 'x'.repeat(59)]
  const cases: [keyof BhttpLimits, number, Uint8Array[]][] = [
    ['maxTokenBytes', 4, encodeRequest({ ...head, method: 'POSTS' })],
    ['maxAuthorityBytes', 8, encodeRequest(head)],
    ['maxPathBytes', 7, encodeRequest(head)],
    ['maxFieldSectionBytes', 127, encodeRequest({ ...head, fields: [field, field] })],
    ['maxFieldSectionBytes', 127, [encodeRequestStart({ ...head, fields: [field, field] }), encodeEnd()]],
    ['maxFieldSectionBytes', 127, [encodeRequestStart(head), encodeEnd([field, field])]],
    ['maxFields', 1, encodeRequest({ ...head, fields: [field, field] })],
    ['maxContentBytes', 5, encodeRequest(head, { content: [new Uint8Array(6)] })],
    [
      'maxContentBytes',
      5,
      [encodeRequestStart(head), ...[3, 3].flatMap((n) => encodeContentChunk(new Uint8Array(n)))],
    ],
    ['maxPaddingBytes', 9, [...encodeRequest(head), new Uint8Array(10)]],
  ]
  it.each(cases)('%s stops at %i', (name, value, wire) => {
    const tooLarge = expect.objectContaining({
      code: 'BHTTP_TOO_LARGE',
      expected: `${name} at most ${value}`,
    })
    expect(() => decodeRequest(wire, { [name]: value })).toThrow(tooLarge)
    if (name !== 'maxTokenBytes')
      expect(() => decodeRequest([...wire, encodeEnd()], { [name]: value + 200 })).not.toThrow()
  })

  it('maxInformational stops a flood of informational responses', () => {
    const informational = Array.from({ length: 3 }, () => ({ status: 103, fields: [] }))
    const wire = encodeResponse({ status: 200, fields: [] }, { informational })
    expect(decodeResponse(wire, { maxInformational: 3 }).informational).toHaveLength(3)
    expect(() => decodeResponse(wire, { maxInformational: 2 })).toThrow(code('BHTTP_TOO_LARGE'))
  })

  it('refuses a length of 2^62 - 1 anywhere without allocating', () => {
    const huge = new Uint8Array(8).fill(255)
    const before = process.memoryUsage().arrayBuffers
    for (const prefix of [
      '00',
      '0003474554',
      '000347455405687474707300012f',
      '000347455405687474707300012f00',
    ]) {
      expect(() => decodeRequest([fromHex(prefix), huge])).toThrow(code('BHTTP_TOO_LARGE'))
    }
    expect(() => decodeRequest([fromHex('020347455405687474707300012f'), huge])).toThrow(
      code('BHTTP_TOO_LARGE'),
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20)
  })
})

describe('a message that is cut', () => {
  it('is refused anywhere but before empty sections at its end', () => {
    const wire = concat(
      ...encodeRequest({ ...head, fields: [['a', 'b']] }, { content: [utf8('abc')], trailers: [['t', 'u']] }),
    )
    // Between two sections is where Section 3.8 allows it: what is missing counts as empty. That the
    // sender really meant the end is what the encryption around the message proves.
    const start = concat(...encodeRequest(head)).length - 3
    const legal = [start, start + 5, start + 9]
    for (let length = 0; length < wire.length; length++) {
      const cut = [wire.subarray(0, length)]
      if (legal.includes(length)) expect(decodeRequest(cut).trailers).toEqual([])
      else expect(() => decodeRequest(cut)).toThrow(code('BHTTP_TRUNCATED'))
    }
  })

  it('is refused without the terminator of its content', () => {
    const wire = [encodeRequestStart(head), ...encodeContentChunk(utf8('abc'))]
    expect(() => decodeRequest(wire)).toThrow(code('BHTTP_TRUNCATED'))
  })
})

describe('a failed parser', () => {
  it('stays failed, and a finished one takes nothing more', () => {
    const parser = parseRequest()
    expect(() => parser.push(fromHex('04'))).toThrow(malformed)
    expect(() => parser.push(fromHex('00'))).toThrow(malformed)
    expect(() => parser.finish()).toThrow(malformed)
    const finished = parseRequest()
    for (const part of encodeRequest(head)) finished.push(part)
    finished.finish()
    expect(() => finished.push(new Uint8Array(1))).toThrow(malformed)
    expect(() => finished.finish()).toThrow(malformed)
  })
})
