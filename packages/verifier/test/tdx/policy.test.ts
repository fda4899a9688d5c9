import { describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import { FAKE_PLATFORM, type FakeTdFields } from '@sotto/testkit/dcap'
import { tdxPolicyDecoder, type TdxPolicy } from '@sotto/verifier/tdx'
import { attributes, failed, judge } from './fake-case.ts'

describe('a policy for TDs', () => {
  const RTMR = [1, 2, 3, 4].map((value) => new Uint8Array(48).fill(value))
  const fields = { RTMR, MRTD: new Uint8Array(48).fill(9) }
  const lists: TdxPolicy = {
    mrTd: ['09'.repeat(48)],
    rtmr0: ['01'.repeat(48)],
    rtmr3: ['04'.repeat(48), 'ff'.repeat(48)],
  }

  it('names what is measured', () => {
    expect(failed({ fields, policy: lists })).toEqual([])
    const verdict = judge({ fields, policy: { ...lists, mrTd: ['08'.repeat(48)], rtmr1: ['01'.repeat(48)] } })
    const step = verdict.steps.find(({ name }) => name === 'tdx.measurement')!
    expect(step).toMatchObject({ status: 'fail', class: 'measurement', reason: 'MRTD, RTMR1 not accepted' })
  })

  it.each(['mrConfigId', 'mrOwner', 'mrOwnerConfig', 'rtmr2', 'mrSeam'] as const)(
    'has a list for %s',
    (name) => {
      expect(failed({ policy: { [name]: ['ab'.repeat(48)] } })).toEqual(['tdx.measurement measurement'])
    },
  )

  it('names machines', () => {
    const own = {
      ppids: [toHex(FAKE_PLATFORM.ppid)],
      platformInstanceIds: [toHex(FAKE_PLATFORM.platformInstanceId)],
    }
    expect(failed({ policy: own })).toEqual([])
    expect(failed({ policy: { ...own, ppids: ['00'.repeat(16)] } })).toEqual(['tdx.hardware hardware'])
  })

  it('allows what it names, and nothing else', () => {
    const weak: FakeTdFields = { TDATTRIBUTES: attributes(0, 29, 31, 63) }
    const all = {
      allowDebug: true,
      allowSeptVe: true,
      allowMigratable: true,
      allowKeyLocker: true,
      allowPerfmon: true,
    }
    expect(failed({ fields: weak, policy: all })).toEqual([])
    for (const name of Object.keys(all))
      expect(failed({ fields: weak, policy: { ...all, [name]: false } })).toHaveLength(1)
  })

  it('accepts statuses one by one', () => {
    const collateral = {
      tcbInfo: { levels: [{ status: 'SWHardeningNeeded', advisoryIDs: ['INTEL-SA-00001'] }] },
    }
    const accepted: TdxPolicy = { acceptedTcbStatuses: ['UpToDate', 'SWHardeningNeeded'] }
    expect(failed({ collateral })).toEqual(['tdx.tcb-status tcb'])
    expect(failed({ collateral, policy: accepted })).toEqual([])
    expect(failed({ collateral, policy: { ...accepted, acceptedAdvisories: [] } })).toEqual([
      'tdx.advisories tcb',
    ])
    expect(failed({ collateral, policy: { acceptedTcbStatuses: ['OutOfDate'] } })).toEqual([
      'tdx.tcb-status tcb',
    ])
  })

  it('asks for newer documents, of both kinds', () => {
    const old = { changes: { tcbEvaluationDataNumber: 16 } }
    const policy = { minimumTcbEvaluationDataNumber: 17 }
    expect(failed({ policy })).toEqual([])
    expect(failed({ policy, collateral: { tcbInfo: old } })).toEqual(['tdx.tcb-evaluation tcb'])
    expect(failed({ policy, collateral: { qeIdentity: old } })).toEqual(['tdx.tcb-evaluation tcb'])
  })

  it('is read strictly', () => {
    expect(tdxPolicyDecoder({}, 'policy')).toEqual({})
    expect(tdxPolicyDecoder({ ...lists, allowDebug: true }, 'policy')).toEqual({ ...lists, allowDebug: true })
    for (const wrong of [
      null,
      [],
      { mrTD: [] },
      { mrTd: [] },
      { mrTd: ['AB'.repeat(48)] },
      { mrTd: ['ab'.repeat(47)] },
      { acceptedTcbStatuses: ['Revoked'] },
      { acceptedTcbStatuses: ['NoMatch'] },
      { allowDebug: 1 },
    ])
      expect(() => tdxPolicyDecoder(wrong, 'policy')).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))
  })
})
