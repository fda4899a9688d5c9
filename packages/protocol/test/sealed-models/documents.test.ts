import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import { decodeDocument, documentDigest, encodeDocument } from '@sotto/protocol/keyrelease'
import {
  isRemovedBy,
  KEYS_RECEIPT_TYPE,
  type KeysReceipt,
  type LoggedModelDocument,
  type ModelReader,
  MODEL_TYPES,
  modelRemovalDecoder,
  modelStatementDecoder,
  ownerTag,
  requireAskedFor,
  signOwnerDocument,
  uploadIntentDecoder,
  verifyKeysReceipt,
  verifyLoggedDocument,
  verifyOwnerDocument,
} from '@sotto/protocol/sealed-models'
import { createFakeLog, type FakeLog } from '@sotto/testkit'
import { GENESIS, intent, owner, removal, statement } from './owner.ts'

const code = (name: string): unknown => expect.objectContaining({ code: name })
const readerOf = ({ origin, key, witnessKeys }: FakeLog): ModelReader => ({
  genesis: GENESIS,
  log: { origin, logKey: key, witnessKeys, quorum: 2 },
})
const KINDS = {
  statement: { document: statement({ expiresAt: 1_800_000_000 }), decoder: modelStatementDecoder },
  removal: { document: removal(), decoder: modelRemovalDecoder },
  upload: { document: intent(), decoder: uploadIntentDecoder },
} as const

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('a %s', (kind) => {
  const { document, decoder } = KINDS[kind]
  const signed = signOwnerDocument(kind, document as never, owner())

  it('is read as its owner signed it', () => {
    expect(verifyOwnerDocument(kind, signed, GENESIS)).toEqual(document)
    expect(verifyOwnerDocument(kind, utf8(signed), GENESIS)).toEqual(document)
  })

  it('is not believed after any change of a byte', () => {
    const bytes = utf8(signed)
    const place = fc.record({ at: fc.nat({ max: bytes.length - 1 }), by: fc.integer({ min: 1, max: 255 }) })
    fc.assert(
      fc.property(place, ({ at, by }) => {
        const changed = bytes.slice()
        changed[at]! ^= by
        expect(() => verifyOwnerDocument(kind, changed, GENESIS)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^MODEL_(DOCUMENT|SIGNATURE)$/) as string }),
        )
      }),
    )
  })

  it('is not believed from another signer, of another kind or for another deployment', () => {
    const foreign = signOwnerDocument(kind, document as never, owner(2))
    expect(() => verifyOwnerDocument(kind, foreign, GENESIS)).toThrow(code('MODEL_SIGNATURE'))
    const payload = encodeDocument(document)
    for (const type of Object.values(MODEL_TYPES).filter((other) => other !== MODEL_TYPES[kind])) {
      expect(() => verifyOwnerDocument(kind, signDsse(type, payload, [owner()]), GENESIS)).toThrow(
        code('MODEL_SIGNATURE'),
      )
    }
    expect(() => verifyOwnerDocument(kind, signed, 'ef'.repeat(32))).toThrow(code('MODEL_DEPLOYMENT'))
  })

  it('has all of its members and no other', () => {
    for (const member of Object.keys(document)) {
      if (member === 'expiresAt') continue
      const { [member]: _, ...rest } = document as unknown as Record<string, unknown>
      expect(() => decodeDocument(encodeDocument(rest), decoder as never), member).toThrow(code('JCS_FIELD'))
      for (const wrong of [null, true, -1, '', [], {}, 'x'.repeat(5000)])
        expect(
          () => decodeDocument(encodeDocument({ ...document, [member]: wrong }), decoder as never),
          member,
        ).toThrow(code('JCS_FIELD'))
    }
    const more = { ...document, extra: 1 }
    expect(() => decodeDocument(encodeDocument(more), decoder as never)).toThrow(code('JCS_FIELD'))
  })
})

it('a statement that is never served is refused', () => {
  const { createdAt } = statement()
  const signed = signOwnerDocument('statement', statement({ expiresAt: createdAt }), owner())
  expect(() => verifyOwnerDocument('statement', signed, GENESIS)).toThrow(code('MODEL_DOCUMENT'))
})

describe('a logged statement', () => {
  const log = createFakeLog()
  const envelope = signOwnerDocument('statement', statement(), owner())
  for (let n = 0; n < 5; n++) log.append(utf8(`other entry ${n}`))
  const index = log.append(utf8(envelope))
  log.append(utf8('a later one'))
  const logged = async (): Promise<LoggedModelDocument> => ({
    ...(await log.prove(utf8(envelope))),
    checkpoint: await log.checkpoint({ time: 1_790_000_100 }),
  })
  const reader = readerOf(log)

  it('is believed with its proof', async () => {
    const { document, checkpoint } = verifyLoggedDocument('statement', await logged(), reader)
    expect(document).toEqual(statement())
    expect(checkpoint.size).toBe(7)
  })

  it('is not believed elsewhere in the tree, without a quorum or under another log', async () => {
    const good = await logged()
    const other = signOwnerDocument('statement', statement({ version: 4 }), owner())
    const wrong = [
      { ...good, index: index - 1 },
      { ...good, proof: good.proof.slice(1) },
      { ...good, envelope: other },
    ]
    for (const one of wrong)
      expect(() => verifyLoggedDocument('statement', one, reader)).toThrow(code('MERKLE_INCLUSION'))
    const stricter = { ...reader, log: { ...reader.log, quorum: reader.log.witnessKeys.length + 1 } }
    expect(() => verifyLoggedDocument('statement', good, stricter)).toThrow(code('NOTE_QUORUM'))
    const another = readerOf(createFakeLog('log.example/another'))
    expect(() => verifyLoggedDocument('statement', good, another)).toThrow(code('NOTE_SIGNATURE'))
  })
})

it('a registry cannot answer with another model, owner or version', () => {
  const tag = ownerTag(owner().name)
  requireAskedFor(statement(), { tag, name: 'notes-7b' })
  requireAskedFor(statement(), { tag, name: 'notes-7b', version: 3 })
  for (const wrong of [
    { tag: ownerTag(owner(2).name), name: 'notes-7b' },
    { tag, name: 'notes' },
    { tag, name: 'notes-7b', version: 2 },
  ])
    expect(() => requireAskedFor(statement(), wrong)).toThrow(code('MODEL_SUBSTITUTED'))
})

it('a removal ends what its owner made until then, and nothing else', () => {
  const { createdAt } = statement()
  expect(isRemovedBy(statement(), removal())).toBe(true)
  expect(isRemovedBy(statement(), removal({ version: 'all' }))).toBe(true)
  for (const other of [
    removal({ version: 2 }),
    removal({ name: 'other' }),
    removal({ owner: owner(2).name }),
    removal({ genesis: '00'.repeat(32) }),
    removal({ version: 'all', createdAt: createdAt - 1 }),
  ])
    expect(isRemovedBy(statement(), other)).toBe(false)
})

describe('a receipt for content keys', () => {
  const kms = owner(7)
  const sent = signOwnerDocument('removal', removal(), owner())
  const receipt: KeysReceipt = {
    format: 'sotto-model-keys-receipt/1',
    genesis: GENESIS,
    removal: documentDigest(utf8(sent)),
    destroyed: ['0a'.repeat(16)],
    shared: [],
    newer: [],
    issuedAt: 5,
  }
  const sign = (change: Partial<KeysReceipt> = {}, by = kms, type = KEYS_RECEIPT_TYPE): string =>
    fromUtf8(signDsse(type, encodeDocument({ ...receipt, ...change }), [by]))
  const verify = (envelope: string, by = kms): unknown =>
    verifyKeysReceipt(envelope, { genesis: GENESIS, signingKey: by.publicKey, removal: sent })

  it('is of the KMS that was verified, for the very removal that was sent', () => {
    expect(verify(sign())).toEqual(receipt)
    const other = signOwnerDocument('removal', removal({ version: 'all' }), owner())
    for (const wrong of [
      sign({}, owner(8)),
      sign({}, kms, MODEL_TYPES.removal),
      sign({ removal: documentDigest(utf8(other)) }),
      sign({ genesis: '00'.repeat(32) }),
    ])
      expect(() => verify(wrong)).toThrow(code('MODEL_RECEIPT'))
    expect(() => verify(sign({ destroyed: ['0A'.repeat(16)] }))).toThrow(code('MODEL_DOCUMENT'))
    expect(() => verify('{}')).toThrow(code('MODEL_DOCUMENT'))
  })

  it('is not believed after any change of a byte', () => {
    const bytes = utf8(sign())
    const place = fc.record({ at: fc.nat({ max: bytes.length - 1 }), by: fc.integer({ min: 1, max: 127 }) })
    fc.assert(
      fc.property(place, ({ at, by }) => {
        const changed = bytes.slice()
        changed[at]! ^= by
        expect(() => verify(fromUtf8(changed))).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^MODEL_(DOCUMENT|RECEIPT)$/) as string }),
        )
      }),
    )
  })
})

it('an envelope is the log entry, byte for byte', () => {
  const signed = signOwnerDocument('statement', statement(), owner())
  expect(parseDsse(utf8(signed)).payloadType).toBe('application/vnd.sotto.model+json')
})
