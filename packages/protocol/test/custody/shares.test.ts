import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import {
  bindRecovery,
  createShareSet,
  openReleasedShare,
  openShare,
  openShareSet,
  resealShare,
  type Share,
  type ShareSet,
} from '@sotto/protocol/custody'
import { bindReportData, WRAP_SUITE } from '@sotto/protocol/keyrelease'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { custodians, DIGEST, named, SECRET, session, sessionKey, set } from './documents.ts'

const foreign = expect.objectContaining({ code: 'SHARE_FOREIGN', action: 'stop' }) as Error
const opened = (of: ShareSet = set): Share[] =>
  of.shares.map((sealed, n) => openShare(of, sealed, custodians[n]!.wrap))

it('lets each custodian open its own share, and any two of three give the secret back', () => {
  const [a, b, c] = opened() as [Share, Share, Share]
  for (const pair of [
    [a, b],
    [a, c],
    [c, b],
  ])
    expect(openShareSet(set, pair)).toEqual(SECRET)
  expect(() => openShareSet(set, [a, { ...b, value: c.value }])).toThrow(foreign)
  expect(() => openShareSet(set, [a, a])).toThrow(expect.objectContaining({ code: 'SHARE_INVALID' }))
  expect(() => openShareSet(set, [a])).toThrow(expect.objectContaining({ code: 'SHARE_INVALID' }))
})

it(claim('T5', 'a share opens for its custodian only, in its place only'), () => {
  const [first, second] = set.shares
  expect(() => openShare(set, first!, custodians[1]!.wrap)).toThrow(foreign)
  const places: [ShareSet, typeof first][] = [
    [{ ...set, generation: 2 }, first],
    [{ ...set, genesis: 'cd'.repeat(32) }, first],
    [set, { ...first!, index: 2 }],
    [set, { ...first!, custodian: second!.custodian }],
  ]
  for (const [of, sealed] of places)
    expect(() => openShare(of, sealed!, custodians[0]!.wrap)).toThrow(foreign)
})

it('refuses a share that is not the one the set commits to', () => {
  const shares = set.shares.map((share, n) => (n === 0 ? { ...share, commitment: DIGEST } : share))
  expect(() => openShare({ ...set, shares }, shares[0]!, custodians[0]!.wrap)).toThrow(foreign)
})

it('makes other shares of the same secret each time, which do not mix with the old ones', () => {
  const plan = { ...set, custodians: named, now: 1_800_000_001 }
  const next = createShareSet(SECRET, { ...plan, generation: 2 })
  const [old] = opened()
  const [, fresh] = opened(next)
  expect(() => openShareSet(next, [old!, fresh!])).toThrow(foreign)
  expect(openShareSet(next, opened(next).slice(0, 2))).toEqual(SECRET)
  expect(() => createShareSet(new Uint8Array(16), plan)).toThrow(
    expect.objectContaining({ code: 'SHARE_INVALID' }),
  )
})

it('carries a share to one session, and all that is said beside it is covered', () => {
  const [share] = opened()
  const answer = resealShare(set, share!, session, false)
  expect(openReleasedShare(set, answer, sessionKey)).toEqual(share)
  expect(() => openReleasedShare(set, answer, WRAP_SUITE.kem.generate())).toThrow(foreign)
  const changes = [
    { forgetStore: true },
    { index: 2 },
    { generation: 2 },
    { genesis: 'cd'.repeat(32) },
    { nonce: toBase64Url(new Uint8Array(32)) },
  ]
  for (const change of changes)
    expect(() => openReleasedShare(set, { ...answer, ...change }, sessionKey)).toThrow(foreign)
})

it('refuses every flipped bit of a share on its way', () => {
  const [share] = opened()
  const answer = resealShare(set, share!, session, false)
  fc.assert(
    fc.property(fc.constantFrom('enc', 'wrapped'), fc.nat(), fc.nat(7), (field, at, bit) => {
      const bytes = fromBase64Url(answer[field as 'enc'])
      bytes[at % bytes.length]! ^= 1 << bit
      expect(() => openReleasedShare(set, { ...answer, [field]: toBase64Url(bytes) }, sessionKey)).toThrow(
        foreign,
      )
    }),
    { numRuns: 40 },
  )
})

it(claim('T6', 'a recovering KMS cannot pose as a running one, nor the other way round'), () => {
  const binding = { ...session, checkpoint: DIGEST }
  const bound = bindRecovery(binding)
  expect(bound).toHaveLength(64)
  expect(bound).not.toEqual(bindReportData('kms', binding as never))
  expect(bound).not.toEqual(bindReportData('enclave', binding as never))
  expect(bindRecovery({ ...binding, nonce: toBase64Url(new Uint8Array(32)) })).not.toEqual(bound)
})
