import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import {
  formatModelName,
  isModelName,
  MAX_MODEL_VERSION,
  OWNER_TAG,
  ownerTag,
  parseModelName,
} from '@sotto/protocol/sealed-models'
import { RFC_KEY } from './owner.ts'

/** base32(sha256(key)[:15]) by Python's hashlib and base64. */
const TAG = 'eh7ddx5bksrgcytl7bkai36s'

describe('an owner tag', () => {
  it('is what another implementation computes, from bytes and from base64url', () => {
    expect(ownerTag(RFC_KEY)).toBe(TAG)
    expect(ownerTag(toBase64Url(RFC_KEY))).toBe(TAG)
  })

  it('has one form for all keys, and another for another key', () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(key, fc.nat({ max: 255 }), (bytes, bit) => {
        const other = bytes.slice()
        other[bit >> 3]! ^= 1 << (bit & 7)
        expect(ownerTag(bytes)).toMatch(OWNER_TAG)
        expect(ownerTag(other)).not.toBe(ownerTag(bytes))
      }),
    )
  })
})

describe('a name', () => {
  it('is read as it was written', () => {
    const tag = fc.stringMatching(/^[a-z2-7]{24}$/)
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,62}$/)
    const version = fc.option(fc.integer({ min: 1, max: MAX_MODEL_VERSION }), { nil: undefined })
    fc.assert(
      fc.property(tag, name, version, (owner, model, number) => {
        const parts = { tag: owner, name: model, ...(number !== undefined && { version: number }) }
        expect(parseModelName(formatModelName(parts))).toEqual(parts)
        expect(isModelName(formatModelName(parts))).toBe(true)
      }),
    )
  })

  it.each([
    ['nothing', ''],
    ['no owner', 'notes'],
    ['an owner too short', `${TAG.slice(1)}/notes`],
    ['an owner with characters of no base32', `${TAG.slice(1)}1/notes`],
    ['an owner in capitals', `${TAG.toUpperCase()}/notes`],
    ['no model', `${TAG}/`],
    ['a path', `${TAG}/a/b`],
    ['a hidden model', `${TAG}/.notes`],
    ['a model that leaves', `${TAG}/..`],
    ['capitals', `${TAG}/Notes`],
    ['a space', `${TAG}/not es`],
    ['a line feed at the end', `${TAG}/notes\n`],
    ['version 0', `${TAG}/notes:0`],
    ['a leading zero', `${TAG}/notes:01`],
    ['no version after a colon', `${TAG}/notes:`],
    ['two versions', `${TAG}/notes:1:2`],
    ['a version past the highest', `${TAG}/notes:${MAX_MODEL_VERSION + 1}`],
    ['64 characters', `${TAG}/${'a'.repeat(64)}`],
    ['far too much', `${TAG}/${'a'.repeat(1_000_000)}`],
  ])('is not %s', (_, text) => {
    expect(() => parseModelName(text)).toThrow(expect.objectContaining({ code: 'MODEL_NAME' }))
    expect(isModelName(text)).toBe(false)
  })
})
