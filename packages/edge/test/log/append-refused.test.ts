import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { createMemoryStore } from './memory-store.ts'
import { append, envelope, open, threeWitnesses, TOKEN } from './parties.ts'

describe('appending', () => {
  test.each([
    ['no token', undefined],
    ['a wrong token', `Bearer ${TOKEN.replace('a', 'b')}`],
    ['a longer token', `Bearer ${TOKEN}x`],
    ['the token without its scheme', TOKEN],
    ['another scheme', `Basic ${TOKEN}`],
  ])('with %s is refused before the body is read', async (_, authorization) => {
    const log = open(createMemoryStore(), threeWitnesses())
    const body = new ReadableStream(
      {
        pull() {
          throw new Error('the body was read')
        },
      },
      { highWaterMark: 0 },
    )
    const headers = authorization === undefined ? {} : { authorization }
    const request = new Request('http://log/log/entries', {
      method: 'POST',
      body,
      headers,
      duplex: 'half',
    } as RequestInit)
    const response = await log.app(request)
    expect([response.status, await response.json()]).toMatchObject([
      401,
      { error: { code: 'LOG_UNAUTHORIZED' } },
    ])
  })

  test.each([
    ['nothing', new Uint8Array()],
    ['text', utf8('hello')],
    ['an envelope with white space', concat(envelope('x'), utf8('\n'))],
  ])('%s is refused', async (_, bytes) => {
    const log = open(createMemoryStore(), threeWitnesses())
    expect(await append(log, bytes)).toMatchObject({
      status: 400,
      body: { error: { code: 'LOG_ENTRY_INVALID' } },
    })
  })

  test('an entry past the limit is refused', async () => {
    const log = open(createMemoryStore(), threeWitnesses())
    expect(await append(log, envelope('x'.repeat(50_000)))).toMatchObject({
      status: 413,
      body: { error: { code: 'HTTP_BODY_TOO_LARGE' } },
    })
  })

  test('a token that is too short to be secret is a configuration error', () => {
    expect(() => open(createMemoryStore(), threeWitnesses(), { appendToken: 'short' })).toThrow(
      expect.objectContaining({ code: 'LOG_UNAUTHORIZED' }),
    )
  })
})
