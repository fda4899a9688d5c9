import { createLogger } from '../../packages/serve/src/logging/index.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLogLine } from '../../packages/cli/src/deploy/logs/line.ts'

const EVENT = { time: '2026-11-29T08:00:00.000Z', role: 'kms', event: 'started' }
const parse = (fields: object): unknown => parseLogLine('kms', JSON.stringify({ ...EVENT, ...fields }))

describe('a line of a role', () => {
  it('is shown with the name of its file, which tells several enclaves apart', () => {
    expect(parseLogLine('inference-2', JSON.stringify({ ...EVENT, role: 'inference' }))).toEqual({
      ...EVENT,
      role: 'inference-2',
    })
  })

  it.each([
    ['a count', 0],
    ['a large count', Number.MAX_SAFE_INTEGER],
    ['a flag', false],
    ['a code', 'KMS_WAITING_FOR_CUSTODIANS'],
    ['a name', 'sotto-tiny-story-en'],
    ['a digest', 'ab'.repeat(32)],
    ['an address', 'http://[::1]:8080'],
  ])('holds %s', (_what, value) => {
    expect(parse({ field: value })).toEqual({ ...EVENT, field: value })
  })

  it('holds whatever the logger of roles writes: both lists are the same', () => {
    const kinds = {
      count: 'count',
      flag: 'flag',
      code: 'code',
      name: 'name',
      digest: 'digest',
      address: 'address',
    } as const
    const value = fc.oneof(
      fc.anything(),
      fc.constantFrom(
        'A_B',
        'a.b-c',
        'ab'.repeat(32),
        'https://h:1',
        'Hello there',
        'a b',
        '',
        '\u001b[2J',
        -1,
        1.5,
      ),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(
        fc.record(Object.fromEntries(Object.keys(kinds).map((name) => [name, value]))),
        (fields) => {
          let written = ''
          const log = createLogger(
            'kms',
            { event: kinds },
            { write: (line) => void (written = line), now: () => 0 },
          )
          log.log('event', fields as never)
          const expected = JSON.parse(written) as unknown
          expect(parseLogLine('kms', written.trimEnd())).toEqual(expected)
        },
      ),
      { numRuns: process.env['SLOW'] ? 5000 : 300 },
    )
  })

  it.each([
    ['free text', 'Once upon a time'],
    ['one word of a sentence', 'Hello,'],
    ['an escape sequence', '\u001b[2Jcleared'],
    ['a line break', 'a\nb'],
    ['text that runs from right to left', 'a\u202eb'],
    ['nothing', ''],
    ['null', null],
    ['a list', ['a']],
    ['an object', { a: 'b' }],
    ['a negative number', -1],
    ['half of one', 0.5],
    ['a number that is too large', 1e300],
    ['an address with a path', 'http://host/path'],
    ['an address with a password', 'http://a:b@host'],
    ['a name of 65 letters', 'a'.repeat(65)],
    ['a digest in capitals and more', `${'AB'.repeat(32)}!`],
  ])('with %s is none', (_what, value) => {
    expect(parse({ field: value })).toBeUndefined()
    expect(parse({ event: value })).toBeUndefined()
    expect(parse({ time: value })).toBeUndefined()
  })

  it.each(['__proto__', 'a b', 'a-b', '', 'x'.repeat(33), 'ä', '\u0000'])(
    'with a field %j is none',
    (name) => {
      expect(
        parseLogLine('kms', `${JSON.stringify(EVENT).slice(0, -1)},${JSON.stringify(name)}:1}`),
      ).toBeUndefined()
    },
  )

  it('may have a field with the name of a method, and is an object all the same', () => {
    const line = parse({ constructor: 'a', toString: 'b', hasOwnProperty: 1 })
    expect(JSON.parse(JSON.stringify(line))).toMatchObject({
      event: 'started',
      constructor: 'a',
      toString: 'b',
    })
    expect(Object.getPrototypeOf(line)).toBe(Object.prototype)
  })

  it.each([
    ['no JSON', 'Error: out of memory'],
    ['a list', '[]'],
    ['null', 'null'],
    ['text', '"started"'],
    ['nothing', ''],
    ['a time alone', '{"time":"2026-11-29T08:00:00.000Z"}'],
    ['a time without milliseconds', JSON.stringify({ ...EVENT, time: '2026-11-29T08:00:00Z' })],
    ['more than 4096 characters', JSON.stringify({ ...EVENT, a: 1, pad: 'a'.repeat(4100) })],
    ['something behind it', `${JSON.stringify(EVENT)} x`],
  ])('that is %s is none', (_what, line) => {
    expect(parseLogLine('kms', line)).toBeUndefined()
  })
})

describe('how a role says why it ends', () => {
  it('is shown as its code alone: what it found may be anything', () => {
    expect(
      parseLogLine('kms', 'error: kms: CONFIG_INVALID: config.log: expected x (found Once upon a time)'),
    ).toEqual({
      time: '',
      role: 'kms',
      event: 'failed',
      code: 'CONFIG_INVALID',
    })
    expect(parseLogLine('relay', 'error: relay: INTERNAL')).toMatchObject({ code: 'INTERNAL' })
  })

  it.each([
    'error: kms: something: else',
    'error: kms: CODEx: y',
    'error: KMS: CODE: y',
    'error:  kms: CODE: y',
    ' error: kms: CODE: y',
    `error: kms: ${'A'.repeat(65)}: y`,
    'error: kms: CODE y',
    'hint: look at your words',
  ])('%j is no such line', (line) => {
    expect(parseLogLine('kms', line)).toBeUndefined()
  })
})
