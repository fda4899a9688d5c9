import { toBase64Url } from '@sotto/protocol/bytes'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAdmitted } from '../../src/stack/admitted.ts'
import { createDesk } from '../support/desk.ts'

const key = (byte: number): string => toBase64Url(new Uint8Array(32).fill(byte))

test('keys are taken as their owners print them, each once', () => {
  expect(parseAdmitted([key(1), key(2), key(1)])).toEqual([key(1), key(2)])
  expect(parseAdmitted([])).toEqual([])
})

test('every key that there can be is taken', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      expect(parseAdmitted([toBase64Url(bytes)])).toEqual([toBase64Url(bytes)])
    }),
  )
})

test.each([
  ['nothing', ''],
  ['a name', 'bank'],
  ['a file', './bank.pub'],
  ['too few bytes', toBase64Url(new Uint8Array(31))],
  ['too many', toBase64Url(new Uint8Array(33))],
  ['padding', `${key(1)}=`],
  ['another alphabet', '+'.repeat(43)],
  ['bits that no key has', `${key(0).slice(0, -1)}B`],
  ['white space', ` ${key(1)}`],
])('%s is no key, and what stood there is shown nowhere', (_, word) => {
  const refused = (): unknown => parseAdmitted([key(1), word])
  expect(refused).toThrow(expect.objectContaining({ code: 'CLI_USAGE', found: `${word.length} characters` }))
})

test('more than the KMS takes are refused', () => {
  const keys = Array.from({ length: 63 }, (_, at) => key(at))
  expect(parseAdmitted(keys.slice(1))).toHaveLength(62)
  expect(() => parseAdmitted(keys)).toThrow(expect.objectContaining({ code: 'CLI_USAGE' }))
})

test('sotto up refuses what is no key before it starts anything', async () => {
  const desk = await createDesk()
  const { code, stderr } = await desk.sotto(['up', '--admit', 'the seed of a private key'])
  expect([code, stderr]).toEqual([
    2,
    'error: --admit takes a public key [CLI_USAGE]\n' +
      '  expected: 32 bytes, base64url\n' +
      '  found:    25 characters\n' +
      'hint: they print it with sotto models owner\n',
  ])
  desk.clear()
})
