import { describe, expect, it } from 'vitest'
import { decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import {
  loggedModelDocumentDecoder,
  MAX_LIST_BYTES,
  MAX_LISTED_MODELS,
  MAX_WITHDRAWAL_BYTES,
  modelListDecoder,
  modelPublicationDecoder,
  modelWithdrawalDecoder,
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
  withdrawal: { decoder: modelWithdrawalDecoder, good: { removal: envelope, keyRemovals: ['{}'] } },
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
      if (member !== 'next' && member !== 'highest') refuse(rest)
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

it('the longest list and withdrawal fit their bounds', () => {
  const models = Array.from({ length: MAX_LISTED_MODELS }, (_, n) => ({ envelope, index: 2 ** 40 + n }))
  expect(encodeDocument({ models, next: 'x'.repeat(128) }).length).toBeLessThan(MAX_LIST_BYTES)
  const keyRemovals = Array.from({ length: 64 }, () => envelope)
  expect(encodeDocument({ removal: envelope, keyRemovals }).length).toBeLessThan(MAX_WITHDRAWAL_BYTES)
  const tooMany = { models: [...models, models[0]] }
  expect(() => modelListDecoder(tooMany, 'list')).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))
})
