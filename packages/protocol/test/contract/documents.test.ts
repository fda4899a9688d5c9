import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64, toHex, utf8 } from '@sotto/protocol/bytes'
import {
  CONTRACT_TYPES,
  type NamedContract,
  partyOf,
  type PartyDocuments,
  runDigest,
  signPartyDocument,
  verifyPartyDocument,
} from '@sotto/protocol/contract'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { type DsseSigner, parseDsse, signDsse } from '@sotto/protocol/dsse'
import { canonicalJson } from '@sotto/protocol/jcs'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import {
  BANK,
  bankAndRetailer,
  changedBy,
  consentTo,
  dataOf,
  GENESIS,
  named,
  NOW,
  offerOf,
  RETAILER,
} from './contracts.ts'

const code = (name: string): unknown => expect.objectContaining({ code: name })
const CONTRACT = named(bankAndRetailer())
const signed = { genesis: GENESIS, contract: CONTRACT.digest, party: 'bank', at: NOW }
const offer = offerOf(CONTRACT, 'spending', { template: 'segments' })
const DOCUMENTS: PartyDocuments = {
  acceptance: { format: 'sotto-contract-acceptance/1', ...signed },
  withdrawal: { format: 'sotto-contract-withdrawal/1', ...signed, consent: 'execution' },
  closing: { format: 'sotto-contract-closing/1', ...signed },
  inquiry: { format: 'sotto-contract-inquiry/1', ...signed },
  data: dataOf(CONTRACT, 'customers'),
  consent: consentTo(offer, 'bank'),
  approval: {
    format: 'sotto-room-output-approval/1',
    ...signed,
    run: runDigest(offer),
    output: 'spent',
    digest: '12'.repeat(32),
    verdict: 'release',
  },
}
type Kind = keyof PartyDocuments
const KINDS = Object.keys(DOCUMENTS) as Kind[]
const sign = (kind: Kind, change: object = {}, by: DsseSigner = BANK): string =>
  signPartyDocument(kind, { ...DOCUMENTS[kind], ...change }, by)
const verify = (kind: Kind, envelope: Uint8Array | string, one: NamedContract = CONTRACT): object =>
  verifyPartyDocument(kind, envelope, one).document

describe.each(KINDS)('a document of kind %s', (kind) => {
  const document = DOCUMENTS[kind]
  const envelope = sign(kind)

  it('is read as its party signed it, from text and from bytes', () => {
    expect(verify(kind, envelope)).toEqual(document)
    expect(verifyPartyDocument(kind, utf8(envelope), CONTRACT).party.name).toBe('bank')
  })

  it('is refused after any change of a byte', () => {
    const bytes = utf8(envelope)
    const place = fc.record({ at: fc.nat({ max: bytes.length - 1 }), by: fc.integer({ min: 1, max: 255 }) })
    fc.assert(
      fc.property(place, ({ at, by }) => {
        const other = bytes.slice()
        other[at]! ^= by
        expect(() => verify(kind, other)).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^CONTRACT_(?:MALFORMED|SIGNATURE|OTHER|PARTY|RUN)$/) as string,
          }),
        )
      }),
    )
  })

  it('another-signer: is refused of another party, under the name of this one', () => {
    expect(() => verify(kind, sign(kind, {}, RETAILER))).toThrow(code('CONTRACT_SIGNATURE'))
  })

  it('another-kind: is no document of another kind, even with its members', () => {
    for (const other of KINDS.filter((one) => one !== kind)) {
      expect(() => verify(other, envelope), other).toThrow(code('CONTRACT_MALFORMED'))
      const typed = fromUtf8(signDsse(CONTRACT_TYPES[other], encodeDocument(document), [BANK]))
      expect(() => verify(kind, typed), other).toThrow(code('CONTRACT_SIGNATURE'))
    }
  })

  it('another-contract: is refused for another contract of the same parties, and for another KMS', () => {
    const other = named(changedBy(bankAndRetailer(), (one) => (one.title = 'Another')))
    expect(() => verify(kind, envelope, other)).toThrow(code('CONTRACT_OTHER'))
    const elsewhere = named(changedBy(bankAndRetailer(), (one) => (one.genesis = 'ef'.repeat(32))))
    expect(() => verify(kind, envelope, elsewhere)).toThrow(code('CONTRACT_OTHER'))
    expect(() => verify(kind, sign(kind, { genesis: 'ef'.repeat(32) }))).toThrow(code('CONTRACT_OTHER'))
  })

  it('added-signature: has the signature of its party and no other', () => {
    const both = signDsse(CONTRACT_TYPES[kind], encodeDocument(document), [BANK, RETAILER])
    expect(() => verify(kind, both)).toThrow(code('CONTRACT_SIGNATURE'))
    const { payload, payloadType, signatures } = parseDsse(utf8(envelope))
    const [own] = signatures
    const twice = canonicalJson({
      payload: toBase64(payload),
      payloadType,
      signatures: [own, own].map((one) => ({ keyid: one!.keyid, sig: toBase64(one!.sig) })),
    })
    expect(() => verify(kind, twice)).toThrow(code('CONTRACT_SIGNATURE'))
  })

  it('has all of its members, of their types, and no other', () => {
    const refuse = (value: object, what: string): void =>
      expect(
        () => verify(kind, fromUtf8(signDsse(CONTRACT_TYPES[kind], encodeDocument(value), [BANK]))),
        what,
      ).toThrow(code('CONTRACT_MALFORMED'))
    for (const member of Object.keys(document)) {
      const { [member]: _, ...rest } = document as unknown as Record<string, unknown>
      refuse(rest, member)
      for (const wrong of [null, true, -1, 0, '', [], {}, 'X', 'x'.repeat(5000), 2 ** 53 - 1])
        if (!(wrong === 2 ** 53 - 1 && ['at', 'bytes'].includes(member)))
          refuse({ ...document, [member]: wrong }, member)
    }
    refuse({ ...document, extra: 1 }, 'extra')
    refuse({ ...document, constructor: 1 }, 'constructor')
  })

  it('is not read from another spelling', () => {
    const spaced = utf8(JSON.stringify(document, null, 1))
    const once = fromUtf8(encodeDocument(document))
    const twice = utf8(once.replace('{', `{"at":1,`))
    for (const payload of [spaced, twice])
      expect(() => verify(kind, signDsse(CONTRACT_TYPES[kind], payload, [BANK]))).toThrow(
        code('CONTRACT_MALFORMED'),
      )
  })
})

describe('a party', () => {
  it('unknown-party: is one of the contract', () => {
    for (const kind of KINDS.filter((one) => one !== 'data'))
      expect(() => verify(kind, sign(kind, { party: 'broker' })), kind).toThrow(code('CONTRACT_PARTY'))
    for (const name of ['broker', '', 'toString', undefined])
      expect(() => partyOf(CONTRACT.contract, name)).toThrow(code('CONTRACT_PARTY'))
  })

  it('claimed-party: signs for itself alone', () => {
    for (const kind of KINDS.filter((one) => one !== 'data')) {
      expect(() => verify(kind, sign(kind, { party: 'retailer' })), kind).toThrow(code('CONTRACT_SIGNATURE'))
      expect(verify(kind, sign(kind, { party: 'retailer' }, RETAILER))).toMatchObject({ party: 'retailer' })
    }
  })
})

describe('a statement about data', () => {
  it('data-of-another: is of the owner of the input', () => {
    expect(() => verify('data', sign('data', { input: 'purchases' }))).toThrow(code('CONTRACT_SIGNATURE'))
    expect(verify('data', sign('data', { input: 'purchases' }, RETAILER))).toMatchObject({
      input: 'purchases',
    })
  })

  it('data-of-nothing: is of an input of the contract', () => {
    for (const input of ['others', 'offers', 'spent'])
      expect(() => verify('data', sign('data', { input })), input).toThrow(code('CONTRACT_RUN'))
  })

  it('has a version from 1 to 2^31', () => {
    expect(verify('data', sign('data', { version: 2 ** 31 }))).toMatchObject({ version: 2 ** 31 })
    for (const version of [0, 2 ** 31 + 1])
      expect(() => verify('data', sign('data', { version }))).toThrow(code('CONTRACT_MALFORMED'))
  })
})

it('is named in the log by its envelope, whose key is the party’s', () => {
  const [{ keyid } = { keyid: '' }] = parseDsse(utf8(sign('acceptance'))).signatures
  expect(keyid).toBe(toHex(publicCrypto.sha256(BANK.publicKey)))
})

it('pins the types that are signed', () => {
  expect(CONTRACT_TYPES).toEqual({
    acceptance: 'application/vnd.sotto.contract-acceptance+json',
    withdrawal: 'application/vnd.sotto.contract-withdrawal+json',
    closing: 'application/vnd.sotto.contract-closing+json',
    data: 'application/vnd.sotto.contract-data+json',
    consent: 'application/vnd.sotto.room-run-consent+json',
    approval: 'application/vnd.sotto.room-output-approval+json',
    inquiry: 'application/vnd.sotto.contract-inquiry+json',
  })
})
