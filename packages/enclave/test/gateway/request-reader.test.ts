import { encodeEnd, encodeRequestStart } from '@sotto/protocol/bhttp'
import { concat } from '@sotto/protocol/bytes'
import { OHTTP_MEDIA_TYPE, OhttpClientKey } from '@sotto/protocol/ohttp'
import { expect, test } from 'vitest'
import { openAnswer, openGateway, outerRequest } from './parties.ts'

const CONTENT_BYTES = 200_000

/** Content of which every byte is a chunk of its own (RFC 9292 Section 3.5). */
function plaintextInCrumbs(): Uint8Array {
  const content = new Uint8Array(2 * CONTENT_BYTES)
  for (let at = 0; at < content.length; at += 2) content.set([1, 0x61], at)
  const fields = [['date', new Date().toUTCString()] as const]
  const head = { method: 'POST', scheme: 'https', authority: 'inference.sotto', path: '/v1/x', fields }
  return concat(encodeRequestStart(head), content, encodeEnd())
}

test.each([
  ['chunked', true],
  ['whole', false],
])('content framed byte by byte reaches the app in large pieces (%s)', async (_name, isChunked) => {
  let pieces = 0
  let bytes = 0
  const gateway = openGateway(async (request) => {
    for await (const piece of request.body!) {
      pieces++
      bytes += piece.length
    }
    return new Response('read')
  })
  const plaintext = plaintextInCrumbs()
  const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request({
    isChunked,
  })
  const sealed: Uint8Array[] = []
  if (isChunked) {
    // Encapsulation crumbles too: 40 bytes a chunk.
    for (let at = 0; at < plaintext.length; at += 40)
      sealed.push(...sealer.seal(plaintext.subarray(at, at + 40)))
    sealed.push(...sealer.end())
  } else sealed.push(...sealer.seal(plaintext), ...sealer.end())
  const type = isChunked ? OHTTP_MEDIA_TYPE.chunkedRequest : OHTTP_MEDIA_TYPE.request
  const response = await gateway.app(outerRequest(concat(...sealed), type))
  expect(response.status).toBe(200)
  if (isChunked) expect(await openAnswer(response, sealer)).toMatchObject({ status: 200, text: 'read' })
  expect(bytes).toBe(CONTENT_BYTES)
  expect(pieces).toBeLessThan(40)
})
