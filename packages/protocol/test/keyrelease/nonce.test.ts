import { expect, test } from 'vitest'
import { bindReportData, kmsBindingDecoder, nonceOf } from '@sotto/protocol/keyrelease'
import { bytes, DOCUMENTS } from './documents.ts'

const ask = (query: string): string | undefined => nonceOf(`http://kms/v1/keys${query}`)

test.each([16, 32, 64])('a nonce has %i bytes', (length) => {
  expect(ask(`?nonce=${bytes(length)}`)).toBe(bytes(length))
})

test('who asks for none gets what everybody gets', () => {
  expect([ask(''), ask('?'), ask('?other=1')]).toEqual([undefined, undefined, undefined])
})

test.each([
  ['none', '?nonce'],
  ['no bytes', '?nonce='],
  ['15 bytes', `?nonce=${bytes(15)}`],
  ['65 bytes', `?nonce=${bytes(65)}`],
  ['padding', `?nonce=${bytes(16)}==`],
  ['another alphabet', `?nonce=${'+'.repeat(22)}`],
  ['bits behind its end', `?nonce=${'A'.repeat(21)}B`],
  ['a line end', `?nonce=${bytes(16)}%0A`],
  ['two', `?nonce=${bytes(16)}&nonce=${bytes(16)}`],
])('%s is refused', (_, query) => {
  expect(() => ask(query)).toThrowError(expect.objectContaining({ code: 'JCS_FIELD' }) as Error)
})

test('a binding with a nonce is another one than without, or with another', () => {
  const { good } = DOCUMENTS['kmsBinding']!
  const bound = (change: object): string =>
    bindReportData('kms', kmsBindingDecoder({ ...(good as object), ...change }, 'binding')).toString()
  const all = [bound({}), bound({ nonce: bytes(16) }), bound({ nonce: bytes(17) })]
  expect(new Set(all).size).toBe(3)
})
