import { describe, expect, it } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import { fetchAmdCertification, fetchTdQuote } from '@sotto/serve/evidence'

const report = new Uint8Array(1024).fill(1)
const quote = new Uint8Array(5006).fill(2)

/** A metadata service that answers once, and what it was asked. */
function service(answer: Response | Error | (() => Promise<Response>)): {
  fetch: typeof fetch
  asked: Request[]
} {
  const asked: Request[] = []
  return {
    asked,
    fetch: async (input, init) => {
      asked.push(new Request(input as string, init))
      if (typeof answer === 'function') return answer()
      if (answer instanceof Error) throw answer
      return answer
    },
  }
}

describe('Azure THIM', () => {
  it('gives certificates of the processor', async () => {
    const { fetch, asked } = service(
      Response.json({
        vcekCert: 'PEM of a chip',
        certificateChain: 'PEM of AMD',
        tcbm: 'D315000000000003',
        cacheControl: '86400',
      }),
    )
    await expect(fetchAmdCertification({ fetch })).resolves.toEqual({
      vcek: 'PEM of a chip',
      chain: 'PEM of AMD',
    })
    expect(asked[0]!.url).toBe('http://169.254.169.254/metadata/THIM/amd/certification')
    expect(asked[0]!.headers.get('Metadata')).toBe('true')
    expect(asked[0]!.redirect).toBe('error')
  })

  it.each([
    ['unpadded', ''],
    ['padded', '=='],
  ])('gives a quote of a TDREPORT, %s', async (_what, padding) => {
    const { fetch, asked } = service(Response.json({ quote: toBase64Url(quote.subarray(0, 5005)) + padding }))
    await expect(fetchTdQuote(report, { fetch })).resolves.toEqual(quote.subarray(0, 5005))
    expect(asked[0]!.method).toBe('POST')
    expect(asked[0]!.headers.get('Content-Type')).toBe('application/json')
    await expect(asked[0]!.json()).resolves.toEqual({ report: toBase64Url(report) })
  })

  it.each<[string, Response | Error, string]>([
    ['is busy', new Response('', { status: 429 }), 'COLLECT_BUSY'],
    ['is broken', new Response('', { status: 503 }), 'COLLECT_BUSY'],
    ['refuses', new Response('', { status: 400 }), 'COLLECT_FAILED'],
    ['is not there', new TypeError('fetch failed'), 'COLLECT_UNAVAILABLE'],
    ['answers no JSON', new Response('<html>'), 'COLLECT_MALFORMED'],
    ['names a member twice', new Response('{"quote":"AA","quote":"AQ"}'), 'COLLECT_MALFORMED'],
    ['lacks the quote', Response.json({}), 'COLLECT_MALFORMED'],
    ['gives a quote that is no text', Response.json({ quote: 7 }), 'COLLECT_MALFORMED'],
    ['gives a quote that is no base64url', Response.json({ quote: 'a+b/' }), 'COLLECT_MALFORMED'],
    ['gives more than any quote', Response.json({ quote: 'A'.repeat(100_000) }), 'COLLECT_MALFORMED'],
    [
      'never ends',
      new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65_536)) })),
      'COLLECT_MALFORMED',
    ],
  ])('that %s is named', async (_what, answer, code) => {
    await expect(fetchTdQuote(report, { fetch: service(answer).fetch })).rejects.toMatchObject({ code })
  })

  it('that hangs is given up', async () => {
    const hang: typeof fetch = (_input, init) =>
      new Promise((_resolve, reject) =>
        init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error)),
      )
    await expect(fetchTdQuote(report, { fetch: hang, timeoutMs: 20 })).rejects.toMatchObject({
      code: 'COLLECT_TIMEOUT',
    })
  })

  it('is not asked about a report of another length', async () => {
    const { fetch, asked } = service(Response.json({}))
    await expect(fetchTdQuote(new Uint8Array(1184), { fetch })).rejects.toMatchObject({
      code: 'COLLECT_INPUT',
    })
    expect(asked).toEqual([])
  })
})
