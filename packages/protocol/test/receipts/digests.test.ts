import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, toHex, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  requestDigest,
  responseDigest,
  saltRequest,
  saltResponse,
  type RequestDigestHead,
  type ResponseDigestHead,
} from '@sotto/protocol/receipts'
import { claim } from '../../../../test/claims.ts'

const RUNS = process.env['SLOW'] ? 500 : 25
const salt = crypto.randomBytes(32)
const request: RequestDigestHead = {
  method: 'POST',
  path: '/v1/chat/completions?x=1',
  contentType: 'application/json',
}
const response: ResponseDigestHead = { status: 200, contentType: 'text/event-stream' }
const body = utf8('{"messages":[]}')

const ofRequest = (head: RequestDigestHead, parts: Uint8Array[], key = salt): string => {
  const digest = requestDigest(key, head)
  parts.forEach((part) => digest.update(part))
  return digest.digest()
}
const ofResponse = (head: ResponseDigestHead, parts: Uint8Array[]): string => {
  const digest = responseDigest(salt, head)
  parts.forEach((part) => digest.update(part))
  return digest.digest()
}

describe('receipt digests', () => {
  it('have the documented encoding', () => {
    const field = (text: string): Uint8Array => concat(uint(utf8(text).length, 4), utf8(text))
    const encoded = concat(
      utf8('sotto-request-v1\0'),
      salt,
      field('POST'),
      field(request.path),
      field(request.contentType),
      crypto.sha256(body),
    )
    expect(ofRequest(request, [body])).toBe(toHex(crypto.sha256(encoded)))
    const answered = concat(
      utf8('sotto-response-v1\0'),
      salt,
      field('200'),
      field(response.contentType),
      crypto.sha256(body),
    )
    expect(ofResponse(response, [body])).toBe(toHex(crypto.sha256(answered)))
  })

  it('keep their values: receipts of today are checked years later', () => {
    // Computed outside this code from the documented encoding; salt 00 01 … 1f.
    const pinned = Uint8Array.from({ length: 32 }, (_, i) => i)
    const head = { method: 'POST', path: '/v1/chat/completions', contentType: 'application/json' }
    expect(saltRequest(pinned, head, crypto.sha256(utf8('{"messages":[]}')))).toBe(
      '3f72a6e430065e7d927f32f3f37d14c91387460bd9fb68c6d1092974b3e7e86d',
    )
    expect(saltResponse(pinned, response, crypto.sha256())).toBe(
      '3d7ba9562c6aef358d74e106f823ab65002516fed7d3da391e522221a49b0035',
    )
  })

  it('are made of a whole SHA-256 of the body, never of a body', () => {
    expect(() => saltRequest(salt, request, body)).toThrow(TypeError)
    expect(() => saltResponse(salt, response, new Uint8Array(31))).toThrow(TypeError)
  })

  it('do not depend on how the body was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 }), (parts) => {
        const whole = concat(...parts)
        expect(ofRequest(request, parts)).toBe(ofRequest(request, [whole]))
        expect(ofRequest(request, parts)).toBe(saltRequest(salt, request, crypto.sha256(whole)))
        expect(ofResponse(response, parts)).toBe(saltResponse(salt, response, crypto.sha256(whole)))
      }),
      { numRuns: RUNS },
    )
  })

  it(claim('T16', 'are salted: the same words have another digest under another salt'), () => {
    expect(ofRequest(request, [body])).not.toBe(ofRequest(request, [body], crypto.randomBytes(32)))
    for (const length of [0, 16, 31, 33])
      expect(() => requestDigest(new Uint8Array(length), request)).toThrow(TypeError)
  })

  it('differ when any field differs, and no field runs into the next', () => {
    const digests = [
      ofRequest(request, [body]),
      ofRequest({ ...request, method: 'PUT' }, [body]),
      ofRequest({ ...request, path: '/v1/completions' }, [body]),
      ofRequest({ ...request, contentType: '' }, [body]),
      ofRequest({ ...request, method: 'POST/', path: request.path.slice(1) }, [body]),
      ofRequest({ ...request, path: request.path + 'a', contentType: request.contentType.slice(1) }, [body]),
      ofRequest(request, [body, Uint8Array.of(0)]),
      ofRequest(request, []),
      ofResponse(response, [body]),
      ofResponse({ ...response, status: 201 }, [body]),
      ofResponse({ ...response, contentType: 'text/plain' }, [body]),
    ]
    expect(new Set(digests).size).toBe(digests.length)
  })
})
