import { utf8 } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { requireMeasuredPolicy } from '../../../src/root/azure-managed-hsm/release-policy.ts'
import { policyFor } from './fake-hsm.ts'

const MAA = 'https://sotto.weu.attest.azure.net'
type Condition = { claim: string; equals?: unknown }
type Policy = { version: string; anyOf: { authority: string; allOf: Condition[] }[] }
const strict = (): Policy => policyFor(MAA, 'ab'.repeat(48), 'cd'.repeat(32)) as Policy
const TDX: Condition[] = [
  { claim: 'x-ms-attestation-type', equals: 'tdxvm' },
  { claim: 'tdx_td_attributes_debug', equals: false },
  ...['tdx_mrtd', 'tdx_rtmr1', 'tdx_rtmr2', 'tdx_mrconfigid'].map((claim) => ({
    claim,
    equals: 'ab'.repeat(48),
  })),
]

const judge = (
  policy: unknown,
  isImmutable = true,
  family: 'sev-snp' | 'tdx' = 'sev-snp',
  allowMutablePolicy = false,
): void => {
  const data = utf8(typeof policy === 'string' ? policy : JSON.stringify(policy))
  requireMeasuredPolicy({ data, isImmutable }, { maa: MAA, allowMutablePolicy }, family)
}
const weak = expect.objectContaining({ code: 'KMS_HSM_POLICY', action: 'stop' })

test('a final policy about programs and configurations is one', () => {
  judge(strict())
  judge({ ...strict(), anyOf: [...strict().anyOf, ...strict().anyOf] })
  judge({ version: '1.0.0', anyOf: [{ authority: MAA, allOf: TDX }] }, true, 'tdx')
})

test.each([
  'x-ms-attestation-type',
  'x-ms-sevsnpvm-is-debuggable',
  'x-ms-sevsnpvm-launchmeasurement',
  'x-ms-sevsnpvm-hostdata',
])('a branch that leaves %s open gives the key to others', (name) => {
  const without = strict()
  without.anyOf[0]!.allOf = without.anyOf[0]!.allOf.filter(({ claim }) => claim !== name)
  for (const anyOf of [without.anyOf, [...strict().anyOf, ...without.anyOf]])
    expect(() => judge({ ...strict(), anyOf })).toThrow(weak)
  const other = strict()
  other.anyOf[0]!.allOf.find(({ claim }) => claim === name)!.equals = undefined
  expect(() => judge(other)).toThrow(weak)
})

test.each(TDX.map(({ claim }) => claim))('a branch for a TD that leaves %s open, too', (name) => {
  const allOf = TDX.filter(({ claim }) => claim !== name)
  expect(() => judge({ version: '1.0.0', anyOf: [{ authority: MAA, allOf }] }, true, 'tdx')).toThrow(weak)
})

test('a policy of one kind of hardware is none for another', () => {
  expect(() => judge(strict(), true, 'tdx')).toThrow(weak)
  expect(() => judge({ version: '1.0.0', anyOf: [{ authority: MAA, allOf: TDX }] })).toThrow(weak)
})

test(claim('T7', 'a debugger is never admitted by the key of an HSM'), () => {
  const open = strict()
  open.anyOf[0]!.allOf[1]!.equals = 'true'
  expect(() => judge(open)).toThrow(weak)
  // The first of two conditions about one claim is not outvoted by a second.
  open.anyOf[0]!.allOf.push({ claim: 'x-ms-sevsnpvm-is-debuggable', equals: 'false' })
  expect(() => judge(open)).toThrow(weak)
})

test.each<[string, unknown]>([
  ['no JSON', '{'],
  ['a name twice', '{"anyOf":[],"anyOf":[]}'],
  ['a list', []],
  ['no branches', { version: '1.0.0', anyOf: [] }],
  ['a branch that is none', { version: '1.0.0', anyOf: [7] }],
  ['a branch without conditions', { version: '1.0.0', anyOf: [{ authority: MAA, allOf: [] }] }],
  [
    'a branch of alternatives',
    { version: '1.0.0', anyOf: [{ authority: MAA, anyOf: strict().anyOf[0]!.allOf }] },
  ],
  ['another authority', policyFor('https://other.weu.attest.azure.net', 'ab'.repeat(48), 'cd'.repeat(32))],
  ['too many branches', { version: '1.0.0', anyOf: Array.from({ length: 65 }, () => strict().anyOf[0]) }],
])('refuses %s', (_, policy) => {
  expect(() => judge(policy)).toThrow(weak)
})

test('a policy that can be changed is that of whoever can change it, which the configuration has to want', () => {
  expect(() => judge(strict(), false)).toThrow(weak)
  judge(strict(), false, 'sev-snp', true)
  const open = strict()
  open.anyOf[0]!.allOf.pop()
  expect(() => judge(open, false, 'sev-snp', true)).toThrow(weak)
})
