import { describe, expect, it } from 'vitest'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '@sotto/protocol/bhttp'
import { concat, fromHex, fromUtf8, toHex } from '@sotto/protocol/bytes'

describe('examples of RFC 9292 Section 5', () => {
  // Section 5.1, Figure 12: known-length request.
  const request =
    '0003474554056874747073000a2f68656c6c6f2e747874406c0a757365722d6167656e74346375726c2f372e31362e33206c' +
    '69626375726c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73740f7777772e65' +
    '78616d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d690000'
  // Section 5.1, Figure 13: the same request, indeterminate length, with 10 bytes of padding.
  const padded =
    '0203474554056874747073000a2f68656c6c6f2e7478740a757365722d6167656e74346375726c2f372e31362e33206c6962' +
    '6375726c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73740f7777772e657861' +
    '6d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d6900000000000000000000000000'
  // Section 5.2, Figure 17: known-length response with a trailer.
  const response =
    '0140c8001d5468697320636f6e74656e7420636f6e7461696e732043524c462e0d0a0d07747261696c65720474657874'

  it('reads both encodings of the request alike and writes the first one', () => {
    const message = decodeRequest([fromHex(request)])
    expect(message).toEqual(decodeRequest([fromHex(padded)]))
    expect(message.head).toEqual({
      method: 'GET',
      scheme: 'https',
      authority: '',
      path: '/hello.txt',
      fields: [
        ['user-agent', 'curl/7.16.3 libcurl/7.16.3 OpenSSL/0.9.7l zlib/1.2.3'],
        ['host', 'www.example.com'],
        ['accept-language', 'en, mi'],
      ],
    })
    expect(toHex(concat(...encodeRequest(message.head)))).toBe(request)
  })

  it('reads and writes the response with its trailer', () => {
    const message = decodeResponse([fromHex(response)])
    expect(message.head).toEqual({ status: 200, fields: [] })
    expect(fromUtf8(concat(...message.content))).toBe('This content contains CRLF.\r\n')
    expect(message.trailers).toEqual([['trailer', 'text']])
    expect(toHex(concat(...encodeResponse(message.head, message)))).toBe(response)
  })

  it('takes sections that are left out at the end as empty (Section 3.8)', () => {
    for (const hex of [
      '0140c8',
      '0140c800',
      '0140c80000',
      '0140c8000000',
      '0340c8',
      '0340c800',
      '0340c80000',
    ]) {
      expect(decodeResponse([fromHex(hex)])).toMatchObject({ head: { status: 200, fields: [] }, content: [] })
    }
  })
})
