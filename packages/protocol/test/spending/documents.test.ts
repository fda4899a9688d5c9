import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import { canonicalJson, type Decoder } from '@sotto/protocol/jcs'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { signDsse } from '@sotto/protocol/dsse'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  decodeMask,
  encodeMask,
  MAX_SPEND_ENTRIES,
  MAX_SPEND_GATEWAYS,
  NO_CONTEXT,
  spendAdmissionDecoder,
  spendAnswerDecoder,
  spendEnvelope,
  spendJoinDecoder,
  spendOfferDecoder,
  spendRequestDecoder,
  spendRosterDecoder,
  SPENDING_TYPES,
} from '@sotto/protocol/spending'

const digest = 'ab'.repeat(32)
const key = toBase64Url(new Uint8Array(32).fill(7))
const entry = { nonce: key, keyId: key, expiresAt: 1_800_000_000 }
const at = { version: 1, genesis: digest, session: digest }

const DOCUMENTS: Record<string, [Decoder<object>, Record<string, unknown>]> = {
  offer: [spendOfferDecoder, at],
  join: [
    spendJoinDecoder,
    {
      ...at,
      gateway: key,
      receipt: { envelope: 'x', index: 3 },
      context: NO_CONTEXT,
      sequence: 0,
      leaves: false,
    },
  ],
  admission: [spendAdmissionDecoder, { ...at, request: digest, context: digest, sequence: 0 }],
  request: [spendRequestDecoder, { ...at, context: digest, gateway: key, counter: 1, entries: [entry] }],
  answer: [spendAnswerDecoder, { ...at, context: digest, request: digest, sequence: 1, spent: 'AQ' }],
  roster: [spendRosterDecoder, { ...at, context: digest, sequence: 0, gateways: [key] }],
}
const field = expect.objectContaining({ code: 'JCS_FIELD' }) as Error

describe.each(Object.entries(DOCUMENTS))('%s', (_, [decoder, document]) => {
  it('decodes to what was encoded', () => {
    expect(decodeDocument(canonicalJson(document), decoder)).toEqual(document)
  })
  it('has no member missing, none unknown, and none of another kind', () => {
    for (const name of Object.keys(document)) {
      const { [name]: _removed, ...rest } = document
      expect(() => decoder(rest, 'd'), name).toThrow(field)
      for (const other of [null, -1, 1.5, '', 'AB'.repeat(32), {}, [null]])
        expect(() => decoder({ ...document, [name]: other }, 'd'), name).toThrow(field)
    }
    expect(() => decoder({ ...document, more: 1 }, 'd')).toThrow(field)
  })
})

it('counts entries and gateways, and takes each gateway once, in order', () => {
  const [, request] = DOCUMENTS['request']!
  const [, roster] = DOCUMENTS['roster']!
  for (const entries of [[], Array.from({ length: MAX_SPEND_ENTRIES + 1 }, () => entry)])
    expect(() => spendRequestDecoder({ ...request, entries }, 'd')).toThrow(field)
  const keys = Array.from({ length: MAX_SPEND_GATEWAYS + 1 }, () =>
    toBase64Url(crypto.randomBytes(32)),
  ).sort()
  expect(() => spendRosterDecoder({ ...roster, gateways: keys }, 'd')).toThrow(field)
  for (const gateways of [
    [keys[0], keys[0]],
    [keys[1], keys[0]],
  ])
    expect(() => spendRosterDecoder({ ...roster, gateways }, 'd')).toThrow(field)
  expect(spendRosterDecoder({ ...roster, gateways: keys.slice(1) }, 'd').gateways).toHaveLength(
    MAX_SPEND_GATEWAYS,
  )
})

it('the largest request fits its envelope, and the envelope its body', () => {
  const { seed: secretSeed, publicKey } = crypto.ed25519.generate()
  const [decoder, request] = DOCUMENTS['request']!
  const entries = Array.from({ length: MAX_SPEND_ENTRIES }, () => ({
    ...entry,
    expiresAt: Number.MAX_SAFE_INTEGER,
  }))
  const payload = canonicalJson({ ...request, counter: Number.MAX_SAFE_INTEGER, entries } as never)
  expect(() => decodeDocument(payload, decoder)).not.toThrow()
  const envelope = signDsse(SPENDING_TYPES.request, payload, [{ secretSeed, publicKey }])
  expect(spendEnvelope({ envelope: new TextDecoder().decode(envelope) })).toEqual(envelope)
  for (const bad of [{}, { envelope: '' }, { envelope: 1 }, { envelope: 'x'.repeat(65_536) }, 'x', null])
    expect(() => spendEnvelope(bad)).toThrow(field)
})

it('a mask says exactly what it was made of, and nothing about entries nobody named', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: MAX_SPEND_ENTRIES }), (bits) => {
      const mask = encodeMask(bits)
      expect(decodeMask(mask, bits.length)).toEqual(bits)
      for (const count of [bits.length - 8, bits.length + 8])
        expect(() => decodeMask(mask, count)).toThrow(field)
    }),
  )
  // A bit beyond the third entry.
  expect(() => decodeMask(toBase64Url(Uint8Array.of(0b1000)), 3)).toThrow(field)
})

it('no byte of a document can be changed without another meaning or a refusal', () => {
  const [decoder, answer] = DOCUMENTS['answer']!
  const bytes = canonicalJson(answer as never)
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (index, flip) => {
      const changed = bytes.slice()
      changed[index]! ^= flip
      let decoded: object | undefined
      try {
        decoded = decodeDocument(changed, decoder)
      } catch {
        return
      }
      expect(decoded).not.toEqual(answer)
    }),
  )
})
