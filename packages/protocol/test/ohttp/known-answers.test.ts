import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex } from '@sotto/protocol/bytes'
import { kemById } from '@sotto/protocol/hpke'
import {
  encodeKeyConfig,
  OhttpClientKey,
  OhttpGatewayKey,
  OhttpRequestOpener,
  parseKeyConfig,
} from '@sotto/protocol/ohttp'
import { openAll } from './exchange.ts'

/** The request of both appendices: GET https://example.com/ in Binary HTTP. The response is 200. */
const request = fromHex('00034745540568747470730b6578616d706c652e636f6d012f')
const response = fromHex('0140c8')
const algorithm = { kdfId: 1, aeadId: 1 }

describe('RFC 9458 Appendix A', () => {
  const keyConfig =
    '01002031e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e79815500080001000100010003'
  const encapsulatedRequest =
    '010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b4726374e469135906992e12' +
    '68c594d2a10c695d858c40a026e7965e7d86b83dd440b2c0185204b4d63525'
  const encapsulatedResponse = 'c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd'
  const config = parseKeyConfig(fromHex(keyConfig))

  it('reads and writes the key configuration', () => {
    expect(config).toMatchObject({ keyId: 1, kemId: 0x20, algorithms: [algorithm, { kdfId: 1, aeadId: 3 }] })
    expect(toHex(encodeKeyConfig(config))).toBe(keyConfig)
  })

  it('client', () => {
    const skE = fromHex('bc51d5e930bda26589890ac7032f70ad12e4ecb37abb1b65b1256c9c48999c73')
    const exchange = new OhttpClientKey(config, algorithm).request({
      isChunked: false,
      insecureFixedRandomness: { skE },
    })
    expect(toHex(concat(...exchange.end(request)))).toBe(encapsulatedRequest)
    expect(openAll(exchange.openResponse(), [fromHex(encapsulatedResponse)])).toEqual(response)
  })

  it('gateway', () => {
    const privateKey = kemById(0x20).importPrivate(
      fromHex('3c168975674b2fa8e465970b79c8dcf09f1c741626480bd4c6162fc5b6a98e1a'),
    )
    const key = new OhttpGatewayKey(1, privateKey, [algorithm])
    const opener = new OhttpRequestOpener({ isChunked: false, findKey: () => key })
    expect(openAll(opener, [fromHex(encapsulatedRequest)])).toEqual(request)
    const insecureResponseNonce = fromHex('c789e7151fcba46158ca84b04464910d')
    expect(toHex(concat(...opener.respond({ insecureResponseNonce }).end(response)))).toBe(
      encapsulatedResponse,
    )
  })
})

describe('draft-ietf-ohai-chunked-ohttp-08 Appendix A', () => {
  const encapsulatedResponse =
    'bcce7f4cb921309ba5d62edf1769ef091179bf1cc87fa0e2c02de4546945aa3d1e48' +
    '12b348b5bd4c594c16b6170b07b475845d1f32' +
    '00ed9d8a796617a5b27265f4d73247f639'
  const privateKey = kemById(0x20).importPrivate(
    fromHex('1c190d72acdbe4dbc69e680503bb781a932c70a12c8f3754434c67d8640d8698'),
  )
  const key = new OhttpGatewayKey(1, privateKey, [algorithm])
  const encapsulatedRequest =
    '010020000100018811eb457e100811c40a0aa71340a1b81d804bb986f736f2f566a7199761a032' +
    '1c2ad24942d4d692563012f2980c8fef437a336b9b2fc938ef77a5834f' +
    '1d2e33d8fd25577afe31bd1c79d094f76b6250ae6549b473ecd950501311' +
    '001c6c1395d0ef7c1022297966307b8a7f'

  it('client', () => {
    const skE = fromHex('b26d565f3f875ed480d1abced3d665159650c99174fd0b124ac4bda0c64ae324')
    const exchange = new OhttpClientKey(key.config, algorithm).request({ insecureFixedRandomness: { skE } })
    const sealed = [
      exchange.seal(request.subarray(0, 12)),
      exchange.seal(request.subarray(12)),
      exchange.end(),
    ]
    expect(toHex(concat(...sealed.flat()))).toBe(encapsulatedRequest)
    expect(openAll(exchange.openResponse(), [fromHex(encapsulatedResponse)])).toEqual(response)
  })

  it('gateway', () => {
    const opener = new OhttpRequestOpener({ isChunked: true, findKey: () => key })
    expect(openAll(opener, [fromHex(encapsulatedRequest)])).toEqual(request)
    const sealer = opener.respond({ insecureResponseNonce: fromHex('bcce7f4cb921309ba5d62edf1769ef09') })
    const sealed = [sealer.seal(response.subarray(0, 1)), sealer.seal(response.subarray(1)), sealer.end()]
    expect(toHex(concat(...sealed.flat()))).toBe(encapsulatedResponse)
  })
})
