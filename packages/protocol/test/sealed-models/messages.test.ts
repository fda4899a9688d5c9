import { describe, expect, it } from 'vitest'
import { signDsse } from '@sotto/protocol/dsse'
import { decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import {
  KEYS_RECEIPT_TYPE,
  keysReceiptDecoder,
  loggedModelDocumentDecoder,
  MAX_LIST_BYTES,
  MAX_LISTED_MODELS,
  MAX_RECEIPT_ARTIFACTS,
  MAX_WITHDRAWAL_BYTES,
  modelListDecoder,
  modelPublicationDecoder,
  modelWithdrawalDecoder,
  modelWithdrawnDecoder,
  signOwnerDocument,
  uploadStateDecoder,
} from '@sotto/protocol/sealed-models'
import { owner, statement } from './owner.ts'

const envelope = signOwnerDocument('statement', statement({ name: 'a'.repeat(63) }), owner())
const MESSAGES = {
  upload: {
    decoder: uploadStateDecoder,
    good: { upload: '0a'.repeat(16), digest: '12'.repeat(32), bytes: 1000, offset: 10, complete: false },
  },
  logged: {
    decoder: loggedModelDocumentDecoder,
    good: { envelope, index: 7, proof: ['ab'.repeat(32)], checkpoint: 'log\n8\nx\n\n— log sig\n' },
  },
  list: {
    decoder: modelListDecoder,
    good: { models: [{ envelope, index: 7 }], next: 'notes:3', highest: 4 },
  },
  publication: { decoder: modelPublicationDecoder, good: { statement: envelope, import: '{}' } },
  withdrawal: { decoder: modelWithdrawalDecoder, good: { removal: envelope } },
  withdrawn: {
    decoder: modelWithdrawnDecoder,
    good: {
      receipt: envelope,
      logged: { envelope, index: 7, proof: ['ab'.repeat(32)], checkpoint: 'log\n8\nx\n\n— log sig\n' },
    },
  },
  receipt: {
    decoder: keysReceiptDecoder,
    good: {
      format: 'sotto-model-keys-receipt/1',
      genesis: '12'.repeat(32),
      removal: '34'.repeat(32),
      destroyed: ['0a'.repeat(16)],
      shared: ['0b'.repeat(16)],
      newer: ['0c'.repeat(16)],
      issuedAt: 5,
    },
  },
} as const

describe.each(Object.keys(MESSAGES) as (keyof typeof MESSAGES)[])('a message %s', (name) => {
  const { decoder, good } = MESSAGES[name]
  const refuse = (value: object): void =>
    expect(() => decodeDocument(encodeDocument(value), decoder as never, 'message', 300_000)).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )

  it('is read as it was written', () => {
    expect(decodeDocument(encodeDocument(good), decoder as never)).toEqual(good)
  })

  it('has its members, of their types, and no other', () => {
    refuse({ ...good, extra: 1 })
    for (const member of Object.keys(good)) {
      const { [member]: _, ...rest } = good as Record<string, unknown>
      if (!['next', 'highest', 'logged'].includes(member)) refuse(rest)
      for (const wrong of [null, -1, '', {}, 'x'.repeat(200_000)]) refuse({ ...good, [member]: wrong })
    }
  })
})

it('an upload holds no more than there is, and is complete only with all of it', () => {
  const { good } = MESSAGES.upload
  expect(() => uploadStateDecoder({ ...good, offset: 1001 }, 'upload')).toThrow(/more is stored/)
  expect(() => uploadStateDecoder({ ...good, complete: true }, 'upload')).toThrow(/not complete/)
  expect(uploadStateDecoder({ ...good, offset: 1000, complete: true }, 'upload').complete).toBe(true)
})

it('a receipt names each artifact once, and no more than fit an envelope', () => {
  const { good } = MESSAGES.receipt
  const id = (n: number): string => n.toString(16).padStart(32, '0')
  const most = Array.from({ length: MAX_RECEIPT_ARTIFACTS }, (_, n) => id(n))
  const full = { ...good, destroyed: most, shared: [], newer: [] }
  expect(keysReceiptDecoder(full, 'receipt').destroyed).toHaveLength(MAX_RECEIPT_ARTIFACTS)
  expect(signDsse(KEYS_RECEIPT_TYPE, encodeDocument(full), [owner()]).length).toBeLessThan(65_535)
  expect(() => keysReceiptDecoder({ ...full, shared: ['ff'.repeat(16)] }, 'receipt')).toThrow(/too many/)
  expect(() => keysReceiptDecoder({ ...good, newer: good.destroyed }, 'receipt')).toThrow(/twice/)
})

it('the longest list and withdrawal fit their bounds', () => {
  const models = Array.from({ length: MAX_LISTED_MODELS }, (_, n) => ({ envelope, index: 2 ** 40 + n }))
  expect(encodeDocument({ models, next: 'x'.repeat(128) }).length).toBeLessThan(MAX_LIST_BYTES)
  expect(encodeDocument({ removal: envelope }).length).toBeLessThan(MAX_WITHDRAWAL_BYTES)
  const tooMany = { models: [...models, models[0]] }
  expect(() => modelListDecoder(tooMany, 'list')).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))
})
