import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { canonicalJson } from '@sotto/protocol/jcs'
import { documentDigest } from '@sotto/protocol/keyrelease'
import {
  DATA_MEDIA,
  type DataManifest,
  encodeDataManifest,
  MAX_DATA_ITEMS,
  MEDIA_OF,
  parseDataManifest,
} from '@sotto/protocol/room'
import { malformed, put, refusal } from './refusals.ts'

const TABLE: DataManifest = {
  format: 'sotto-room-data/1',
  salt: toBase64Url(new Uint8Array(32).fill(9)),
  kind: 'table',
  media: 'csv',
  items: 1,
  bytes: 4096,
  sha256: 'ab'.repeat(32),
}
const TEXTS: DataManifest = { ...TABLE, kind: 'text', media: 'text', items: 3 }
const MODEL: DataManifest = { ...TABLE, kind: 'model', media: 'model', items: 4, model: '{"id":"t5"}' }
const GOOD = { TABLE, TEXTS, MODEL }
/** What a sealed file takes of metadata. */
const MAX_METADATA_BYTES = 16_384

const encoded = (value: object): string => fromUtf8(canonicalJson(value))
const refuse = (metadata: string, what: string): void =>
  expect(() => parseDataManifest(metadata), what).toThrow(refusal('ROOM_DATA'))

const KINDS = Object.keys(MEDIA_OF) as DataManifest['kind'][]
const manifests: fc.Arbitrary<DataManifest> = fc
  .constantFrom(...KINDS)
  .chain((kind) =>
    fc.record({
      kind: fc.constant(kind),
      media: fc.constantFrom(...MEDIA_OF[kind]),
      items:
        kind === 'table' || kind === 'code' ? fc.constant(1) : fc.integer({ min: 1, max: MAX_DATA_ITEMS }),
      bytes: fc.integer({ min: 0, max: 2 ** 42 }),
      salt: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toBase64Url),
      sha256: fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map((hash) => Buffer.from(hash).toString('hex')),
      model: fc.string({ minLength: 1, maxLength: 500 }),
    }),
  )
  .map(({ model, ...rest }) => ({
    format: 'sotto-room-data/1',
    ...rest,
    ...(rest.kind === 'model' && { model }),
  }))

describe('the manifest of an input', () => {
  it.each(Object.entries(GOOD))('of %s is read as it was written, and named by its bytes', (_, good) => {
    const metadata = encodeDataManifest(good)
    expect(parseDataManifest(metadata)).toEqual({ manifest: good, digest: documentDigest(utf8(metadata)) })
  })

  it('any manifest is read as it was written', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        expect(parseDataManifest(encodeDataManifest(manifest)).manifest).toEqual(manifest)
      }),
    )
  })

  it('has another digest with another salt: the same data says nothing about itself', () => {
    const other = { ...TABLE, salt: toBase64Url(new Uint8Array(32).fill(8)) }
    const digestOf = (manifest: DataManifest): string =>
      parseDataManifest(encodeDataManifest(manifest)).digest
    expect(digestOf(other)).not.toBe(digestOf(TABLE))
  })

  it.each(Object.entries(GOOD))('of %s has all of its members, of their types, and no other', (_, good) => {
    for (const [what, value] of malformed(good)) refuse(encoded(value), what)
  })

  it('comes in the forms of its kind and in no other', () => {
    for (const kind of KINDS)
      for (const media of DATA_MEDIA) {
        const one = { ...TABLE, kind, media, ...(kind === 'model' && { model: '{}' }) }
        if (MEDIA_OF[kind].includes(media)) expect(parseDataManifest(encoded(one)).manifest).toEqual(one)
        else refuse(encoded(one), `${kind} as ${media}`)
      }
  })

  it.each<[string, object]>([
    ['two files of a table', put(TABLE, 'items', 2)],
    ['two files of code', { ...TABLE, kind: 'code', media: 'wasm', items: 2 }],
    ['a manifest of texts', { ...TEXTS, model: '{}' }],
    ['a model without a manifest', put(MODEL, 'model', undefined)],
    ['an unknown kind', put(TABLE, 'kind', 'video')],
    ['an unknown form', put(TABLE, 'media', 'xlsx')],
    ['a kind that every object has', put(TABLE, 'kind', 'constructor')],
    ['no items', put(TEXTS, 'items', 0)],
    ['more items than there may be', put(TEXTS, 'items', MAX_DATA_ITEMS + 1)],
    ['more bytes than there may be', put(TABLE, 'bytes', 2 ** 42 + 1)],
    ['a short salt', put(TABLE, 'salt', toBase64Url(new Uint8Array(31)))],
    ['a long salt', put(TABLE, 'salt', toBase64Url(new Uint8Array(33)))],
    ['a digest in capitals', put(TABLE, 'sha256', 'AB'.repeat(32))],
    ['a later format', put(TABLE, 'format', 'sotto-room-data/2')],
    ['an empty manifest of a model', put(MODEL, 'model', '')],
  ])('refuses %s', (what, value) => refuse(encoded(value), what))

  it('is as long as a sealed file takes, and no longer', () => {
    const room = MAX_METADATA_BYTES - encoded(put(MODEL, 'model', '')).length
    const fits = put(MODEL, 'model', 'm'.repeat(room))
    expect(parseDataManifest(encoded(fits)).manifest).toEqual(fits)
    refuse(encoded(put(MODEL, 'model', 'm'.repeat(room + 1))), 'one byte more')
  })

  it('is read in its one spelling alone', () => {
    const metadata = encodeDataManifest(TABLE)
    for (const other of [
      JSON.stringify(TABLE, null, 1),
      JSON.stringify(Object.fromEntries(Object.entries(TABLE).reverse())),
      metadata.replace('{', '{"bytes":1,'),
      metadata.replace('4096', '4096.0'),
      metadata.replace('csv', '\\u0063sv'),
      ` ${metadata}`,
      `${metadata}\n`,
      `\u{FEFF}${metadata}`,
    ])
      refuse(other, other)
  })

  it('is not read in part, nor from anything else', () => {
    const metadata = encodeDataManifest(MODEL)
    for (let end = 0; end < metadata.length; end++) refuse(metadata.slice(0, end), `${end} characters`)
    for (const junk of ['null', '[]', '0', '"table"', '{}', '['.repeat(10_000)]) refuse(junk, junk)
  })

  it('says nothing of what it found', () => {
    const secret = 'a-secret-that-is-no-kind-of-input-at-all-and-in-the-wrong-place'
    try {
      parseDataManifest(encoded(put(TABLE, 'kind', secret)))
      expect.unreachable()
    } catch (error) {
      const { message, cause } = error as Error
      expect(`${message} ${String(cause)} ${JSON.stringify(error)}`).not.toContain(secret)
    }
  })
})
