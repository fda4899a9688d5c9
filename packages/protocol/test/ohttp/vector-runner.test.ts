import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { HPKE_KEM, HpkeSuite } from '@sotto/protocol/hpke'
import { encodeKeyConfig, OhttpClientKey, OhttpGatewayKey, OhttpRequestOpener } from '@sotto/protocol/ohttp'
import { ohttp } from '../../../../scripts/vectors/ohttp.ts'
import { changes, failuresOf } from '../../../../scripts/vectors/testing.ts'

const ALGORITHM = { kdfId: 1, aeadId: 1 }
const IDS = { keyId: 7, kemId: HPKE_KEM.DHKEM_P256, ...ALGORITHM }

/** A chunked exchange with every value on the way, in the shape of the published vectors. */
function exchange() {
  const suite = new HpkeSuite(IDS.kemId, IDS.kdfId, IDS.aeadId)
  const [recipient, ephemeral] = [1, 2].map((byte) => suite.kem.derive(new Uint8Array(32).fill(byte)))
  const enc = ephemeral!.publicKey
  const key = new OhttpGatewayKey(IDS.keyId, recipient!, [ALGORITHM])
  const client = new OhttpClientKey(key.config, ALGORITHM).request({
    insecureFixedRandomness: { skE: ephemeral!.export() },
  })
  const request = [client.seal(utf8('ab')), client.end(utf8('c'))].map((parts) => concat(...parts))
  const opener = new OhttpRequestOpener({ isChunked: true, findKey: () => key })
  for (const part of request) opener.push(part)
  opener.finish()
  const nonce = new Uint8Array(16).fill(3)
  const answer = opener.respond({ insecureResponseNonce: nonce })
  const response = [answer.seal(utf8('d')), answer.end()].map((parts) => concat(...parts))

  const info = concat(utf8('message/bhttp chunked request\0'), request[0]!.subarray(0, 7))
  const shared = recipient!.decap(enc)
  const keys = suite.keySchedule({ info }, false)(shared)
  const context = suite.setupRecipient(recipient!, enc, { info })
  const secret = context.export(utf8('message/bhttp chunked response'), 16)
  const prk = crypto.hkdfExtract('sha256', concat(enc, nonce), secret)
  const framed = (parts: Uint8Array[], prefix: number): string[] =>
    parts.map((part, index) => toHex(index === 0 ? part.subarray(prefix) : part))
  const [requestFrames, responseFrames] = [framed(request, 7 + enc.length), framed(response, 16)]
  return {
    ...IDS,
    skR: toHex(recipient!.export()),
    pkR: toHex(recipient!.publicKey),
    keyConfig: toHex(encodeKeyConfig(key.config)),
    skE: toHex(ephemeral!.export()),
    enc: toHex(enc),
    info: toHex(info),
    shared_secret: toHex(shared),
    hpke_key: toHex(keys.key),
    hpke_base_nonce: toHex(keys.baseNonce),
    exporter_secret: toHex(keys.exporterSecret),
    request: '616263',
    response: '64',
    responseNonce: toHex(nonce),
    secret: toHex(secret),
    salt: toHex(concat(enc, nonce)),
    prk: toHex(prk),
    aeadKey: toHex(crypto.hkdfExpand('sha256', prk, utf8('key'), 16)),
    aeadNonce: toHex(crypto.hkdfExpand('sha256', prk, utf8('nonce'), 12)),
    requestChunks: [
      { plaintext: '6162', final: false, framed: requestFrames[0]! },
      { plaintext: '63', final: true, framed: requestFrames[1]! },
    ],
    responseChunks: [
      { plaintext: '64', final: false, framed: responseFrames[0]! },
      { plaintext: '', final: true, framed: responseFrames[1]! },
    ],
    encapsulatedRequest: toHex(concat(...request)),
    encapsulatedResponse: toHex(concat(...response)),
  }
}

describe('the runner of Oblivious HTTP vectors', () => {
  const good = exchange()
  const { skR, skE } = good
  const message = {
    kind: 'chunked',
    why: 'x',
    skR,
    skE,
    ...IDS,
    role: 'gateway',
    bytes: good.encapsulatedRequest,
  }
  const accepted = { ...message, expect: 'accept', request: good.request }
  const refused = { ...message, bytes: message.bytes.slice(0, -2), expect: 'reject' }

  it('passes a good exchange and messages for both roles', async () => {
    const answer = { ...message, role: 'client', bytes: good.encapsulatedResponse }
    const cases = [good, accepted, refused, { ...answer, expect: 'accept', response: good.response }]
    expect(await failuresOf(ohttp, cases)).toEqual([])
  })

  it('notices a change of any field of an exchange', async () => {
    const unnoticed: string[] = []
    for (const [path, changed] of changes(good)) {
      if ((await failuresOf(ohttp, [changed])).length === 0) unnoticed.push(path)
    }
    expect(unnoticed).toEqual([])
  })

  it('excuses a configuration that lacks a byte of its key, as one draft prints it, and no other defect', async () => {
    const misprint = good.keyConfig.slice(0, 40) + good.keyConfig.slice(42)
    expect(await failuresOf(ohttp, [{ ...good, keyConfig: misprint }])).toEqual([])
    for (const keyConfig of ['', good.keyConfig.slice(2), `${good.keyConfig}00`, misprint.slice(2)])
      expect(await failuresOf(ohttp, [{ ...good, keyConfig }])).toHaveLength(1)
  })

  it.each(['role', 'kind', 'expect'])(
    'takes no unknown word, and not the lack of one, for %s',
    async (field) => {
      for (const vector of [accepted, refused]) {
        const { [field as 'role']: _, ...without } = vector
        expect(await failuresOf(ohttp, [without])).toHaveLength(1)
        expect(await failuresOf(ohttp, [{ ...vector, [field]: 'other' }])).toHaveLength(1)
      }
    },
  )

  it('takes no refusal for granted with keys that open nothing', async () => {
    const skE = '00'.repeat(fromHex(refused.skE).length)
    expect(await failuresOf(ohttp, [{ ...refused, skE }])).toHaveLength(1)
  })

  it('notices another plaintext, number of configurations or expectation', async () => {
    expect(await failuresOf(ohttp, [{ ...accepted, request: '00' }])).toHaveLength(1)
    expect(await failuresOf(ohttp, [{ ...accepted, expect: 'reject' }])).toHaveLength(1)
    expect(await failuresOf(ohttp, [{ ...refused, expect: 'accept' }])).toHaveLength(1)
    const { length } = fromHex(good.keyConfig)
    const list = {
      why: 'x',
      bytes: `00${length.toString(16)}${good.keyConfig}`,
      expect: 'accept',
      configs: 1,
    }
    expect(await failuresOf(ohttp, [list])).toEqual([])
    for (const change of [{ configs: 2 }, { configs: undefined }, { expect: 'reject' }, { expect: 'maybe' }])
      expect(await failuresOf(ohttp, [{ ...list, ...change }])).toHaveLength(1)
  })
})
