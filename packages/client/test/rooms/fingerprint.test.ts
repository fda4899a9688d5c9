import { fingerprint, hasSameKeys, roomParty } from '@sotto/client/rooms'
import { expect, it } from 'vitest'

const party = roomParty(new Uint8Array(32).fill(8))
const other = roomParty(new Uint8Array(32).fill(9))

it('is of both keys, and of no name', () => {
  expect(fingerprint(party.as('shop'))).toBe(fingerprint(party.as('bank')))
  expect(fingerprint({ ...party.as('shop'), sealTo: other.as('shop').sealTo })).not.toBe(
    fingerprint(party.as('shop')),
  )
  expect(fingerprint({ ...party.as('shop'), key: other.key })).not.toBe(fingerprint(party.as('shop')))
})

it('is the same in every program of this product', () => {
  expect(fingerprint(party.as('shop'))).toBe('0c1d 6605 9163 8b01 ef5d f9ca 2d50 ae9e')
})

it('tells the same keys from others', () => {
  expect(hasSameKeys(party.as('shop'), party.as('bank'))).toBe(true)
  expect(hasSameKeys(other.as('shop'), party.as('shop'))).toBe(false)
  expect(hasSameKeys(undefined, party.as('shop'))).toBe(false)
  expect(hasSameKeys({ ...party.as('shop'), sealTo: other.as('shop').sealTo }, party.as('shop'))).toBe(false)
})
