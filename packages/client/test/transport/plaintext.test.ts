import { decodeRequest } from '@sotto/protocol/bhttp'
import { paddedLength } from '@sotto/protocol/sizes'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prepareRequest } from '../../src/transport/inner-request.ts'
import { encodePlaintext, rechunk } from '../../src/transport/plaintext.ts'

const RUNS = process.env['SLOW'] ? 500 : 25
const URL_BASE = 'https://inference.sotto/v1'

async function encode(init: RequestInit, path = '/chat/completions'): Promise<Uint8Array> {
  const request = await prepareRequest(URL_BASE + path, init)
  const parts: Uint8Array[] = []
  for await (const part of encodePlaintext(request, request.body.stream(), 1_800_000_000_000))
    parts.push(part)
  return Buffer.concat(parts)
}

describe('encodePlaintext', () => {
  it('is binary HTTP for the fixed inner authority, with the date', async () => {
    const bytes = await encode({
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    })
    const { head, content } = decodeRequest([bytes])
    expect(head).toEqual({
      method: 'POST',
      scheme: 'https',
      authority: 'inference.sotto',
      path: '/v1/chat/completions',
      fields: [
        ['content-type', 'application/json'],
        ['date', 'Fri, 15 Jan 2027 08:00:00 GMT'],
      ],
    })
    expect(Buffer.concat(content).toString()).toBe('{"a":1}')
  })

  it('is for the authority of the app where the URL is of the app', async () => {
    const request = await prepareRequest('https://app.sotto/generate', { method: 'POST', body: 'x' })
    const parts = await Array.fromAsync(encodePlaintext(request, request.body.stream(), 1_800_000_000_000))
    const { head } = decodeRequest([Buffer.concat(parts)])
    expect(head).toMatchObject({ authority: 'app.sotto', path: '/generate' })
  })

  it('has the same length for every short prompt', async () => {
    const lengths = await Promise.all(
      ['', 'x', 'x'.repeat(500), 'x'.repeat(700)].map(
        async (body) => (await encode({ method: 'POST', body })).length,
      ),
    )
    expect(new Set(lengths)).toEqual(new Set([1024]))
  })

  it('carries any body unchanged at exactly the padded length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000 }),
        fc.integer({ min: 1, max: 900 }),
        async (body, slice) => {
          const parts: Uint8Array[] = []
          for (let i = 0; i < body.length; i += slice) parts.push(body.subarray(i, i + slice))
          const bytes = await encode({ method: 'POST', body: new Blob(parts as BlobPart[]) })
          expect(paddedLength(bytes.length)).toBe(bytes.length)
          expect(Buffer.concat(decodeRequest([bytes]).content).equals(Buffer.from(body))).toBe(true)
        },
      ),
      { numRuns: RUNS },
    )
  })
})

describe('rechunk', () => {
  it('gives full chunks and marks only the last one final, however the source was cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 30 })),
        fc.integer({ min: 1, max: 16 }),
        async (parts, size) => {
          const chunks: { bytes: Uint8Array; final: boolean }[] = []
          for await (const { bytes, final } of rechunk(from(parts), size))
            chunks.push({ bytes: bytes.slice(), final })
          expect(Buffer.concat(chunks.map((chunk) => chunk.bytes))).toEqual(Buffer.concat(parts))
          expect(chunks.map((chunk) => chunk.final).indexOf(true)).toBe(chunks.length - 1)
          expect(chunks.slice(0, -1).every((chunk) => chunk.bytes.length === size)).toBe(true)
          if (chunks.length > 1) expect(chunks.at(-1)!.bytes.length).toBeGreaterThan(0)
        },
      ),
      { numRuns: RUNS },
    )
  })
})

async function* from(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}
