import { expect, it } from 'vitest'
import { acceptOf, readHandshake } from '../../src/websocket/index.ts'

const GOOD = {
  upgrade: 'websocket',
  connection: 'keep-alive, Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'chat, superchat',
}
const read = (
  change: Record<string, string | undefined>,
  method = 'GET',
): ReturnType<typeof readHandshake> => {
  const headers = new Headers()
  for (const [name, value] of Object.entries({ ...GOOD, ...change }))
    if (value !== undefined) headers.set(name, value)
  return readHandshake({ method, headers })
}

it('answers the key of RFC 6455 Section 1.3 as the RFC does', () => {
  expect(acceptOf('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  expect(read({})).toEqual({ accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', protocols: ['chat', 'superchat'] })
  expect(read({ upgrade: 'WebSocket', connection: 'upgrade' }).protocols).toHaveLength(2)
})

it.each([
  ['another protocol', { upgrade: 'h2c' }],
  ['no upgrade', { upgrade: undefined }],
  ['a connection that is no upgrade', { connection: 'keep-alive' }],
  ['another version', { 'sec-websocket-version': '12' }],
  ['two versions', { 'sec-websocket-version': '13, 8' }],
  ['no version', { 'sec-websocket-version': undefined }],
  ['no key', { 'sec-websocket-key': undefined }],
  ['a key of 15 bytes', { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAA' }],
  ['a key that is not canonical', { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZR==' }],
  ['two keys', { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==' }],
  ['a subprotocol twice', { 'sec-websocket-protocol': 'a, a' }],
  ['an empty subprotocol', { 'sec-websocket-protocol': 'a,,b' }],
  ['a subprotocol with a space', { 'sec-websocket-protocol': 'a b' }],
  [
    'too many subprotocols',
    { 'sec-websocket-protocol': Array.from({ length: 17 }, (_, i) => `p${i}`).join() },
  ],
  ['a body', { 'content-length': '1' }],
  ['a chunked body', { 'transfer-encoding': 'chunked' }],
])('refuses %s', (_, change) => {
  expect(() => read(change)).toThrow(expect.objectContaining({ code: 'WEBSOCKET_INVALID' }))
})

it('refuses POST', () => {
  expect(() => read({}, 'POST')).toThrow(expect.objectContaining({ code: 'WEBSOCKET_INVALID' }))
})
