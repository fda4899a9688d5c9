import { describe, expect, it } from 'vitest'
import { type RunOffer, runOfferDecoder } from '@sotto/protocol/contract'
import { decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import { at, changed, objectsIn } from '../keyrelease/every-object.ts'
import { bankAndRetailer, bytes, named, offerOf } from './contracts.ts'

const good = offerOf(named(bankAndRetailer()), 'offers', {
  template: 'by-region',
  arguments: [
    { name: 'region', value: 'north' },
    { name: 'age', value: '30' },
  ],
})
const decode = (offer: object): RunOffer => decodeDocument(encodeDocument(offer), runOfferDecoder)
const refuse = (offer: object, what?: string): void =>
  expect(() => decode(offer), what).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))

describe('an offer of a run', () => {
  it('is read as it was written, with a template and without', () => {
    expect(decode(good)).toEqual(good)
    const { template: _, ...rest } = good
    expect(decode({ ...rest, arguments: [] })).toEqual({ ...rest, arguments: [] })
  })

  it('has all of its members, of their types, and no other', () => {
    for (const path of objectsIn(good)) {
      refuse(
        changed(good, path, (value) => (value['extra'] = 1)),
        path.join('.'),
      )
      for (const member of Object.keys(at(good, path))) {
        const where = [...path, member].join('.')
        if (member !== 'template')
          refuse(
            changed(good, path, (value) => delete value[member]),
            where,
          )
        for (const wrong of [null, true, 0, -1, '', [], {}, [null], 'x'.repeat(4097)])
          if (!(member === 'arguments' && Array.isArray(wrong) && wrong.length === 0))
            refuse(
              changed(good, path, (value) => (value[member] = wrong)),
              where,
            )
      }
    }
  })

  const [first, second] = good.inputs as [RunOffer['inputs'][0], RunOffer['inputs'][0]]
  it.each<[string, Partial<RunOffer>]>([
    ['an end as it begins', { notAfter: good.at }],
    ['an end before it begins', { notAfter: good.at - 1 }],
    ['a life of more than a day', { notAfter: good.at + 86_401 }],
    ['no input', { inputs: [] }],
    [
      '65 inputs',
      {
        inputs: Array.from({ length: 65 }, (_, n) => ({
          ...first,
          input: `i${n}`,
          artifact: `${n}`.padStart(32, '0'),
        })),
      },
    ],
    ['input-twice: one input twice', { inputs: [first, { ...second, input: first.input }] }],
    [
      'artifact-twice: one sealed file for two inputs',
      { inputs: [first, { ...second, artifact: first.artifact }] },
    ],
    ['33 arguments', { arguments: Array.from({ length: 33 }, (_, n) => ({ name: `a${n}`, value: '1' })) }],
    [
      'an argument twice, in two cases',
      {
        arguments: [
          { name: 'Age', value: '1' },
          { name: 'age', value: '2' },
        ],
      },
    ],
    ['an argument of a prototype', { arguments: [{ name: '__proto__', value: '1' }] }],
    ['a wrapping key of X25519', { wrapKey: bytes(32) }],
    ['a nonce of 8 bytes', { nonce: '88'.repeat(8) }],
    ['an upper-case digest', { evidence: 'AB'.repeat(32) }],
  ])('is refused with %s', (_, change) => refuse({ ...good, ...change }))

  it('lasts a day at most', () => {
    expect(decode({ ...good, notAfter: good.at + 86_400 }).notAfter).toBe(good.at + 86_400)
  })
})
