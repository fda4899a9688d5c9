import { describe, expect, it } from 'vitest'
import { verifySgx, type SgxPolicy } from '@sotto/verifier/sgx'
import { bundleMembers, splitBundle } from '../dcap/pieces.ts'
import { expectedFields, hasVectors, loadQuoteVector, vectorFolders } from '../dcap/vectors.ts'

const FAMILY = 'sgx'
const folders = vectorFolders(FAMILY, 'quote.bin')
const load = (name: string) => loadQuoteVector(FAMILY, name)
const judge = ({ evidence, collateral, at }: ReturnType<typeof load>, policy: SgxPolicy = {}) =>
  verifySgx({ evidence, collateral, at, policy })
const relaxed: SgxPolicy = { acceptedTcbStatuses: ['ConfigurationAndSWHardeningNeeded'] }

/** First reason of each vector, strict and with {@link relaxed}, by the end of its folder. */
const REASONS: Readonly<Record<string, readonly [strict: string, relaxed: string | null]>> = {
  'sgx-v3-intel-sdk-debug': ['debug', 'debug'],
  'sgx-v3-intel-sdk-prodid': ['collateral-missing', 'collateral-missing'],
  'sgx-v3-intel-sdk-release': ['collateral-missing', 'collateral-missing'],
  'sgx-v3-intel-sdk-securityversion': ['collateral-missing', 'collateral-missing'],
  'sgx-v3-confswhardening': ['tcb', null],
  'sgx-v3-00606a': ['collateral-missing', 'collateral-missing'],
  'sgx-v3-occlum': ['debug', 'debug'],
  'sgx-v3-integritee-debug': ['debug', 'debug'],
  'sgx-v3-confswhardening__ak-bit': ['signature', 'signature'],
  'sgx-v3-confswhardening__body-bit': ['signature', 'signature'],
  'sgx-v3-confswhardening__crl-garbage': ['collateral-invalid', 'collateral-invalid'],
  'sgx-v3-confswhardening__expired': ['expired', 'expired'],
  'sgx-v3-confswhardening__tcbinfo-edited': ['collateral-invalid', 'collateral-invalid'],
}

describe.skipIf(!hasVectors(FAMILY))(
  'quotes of real enclaves (skipped: SOTTO_VECTORS has no attestation/sgx)',
  () => {
    it.each(folders)('%s has the published result and fields', (name) => {
      const vector = load(name)
      const verdict = judge(vector)
      expect(verdict.fields).toMatchObject(expectedFields(vector))
      expect(verdict.acceptable).toBe(false)
      expect(verdict.authentic).toBe(!name.startsWith('mutations/'))
      const known = Object.keys(REASONS).find((end) => name.endsWith(`/${end}`))
      expect([verdict.reason, judge(vector, relaxed).reason]).toEqual(REASONS[known ?? ''])
    })

    it('is seen whole', () => {
      expect(folders.length).toBeGreaterThanOrEqual(13)
    })

    const complete = folders.filter((name) => name.endsWith('/sgx-v3-confswhardening'))

    it.each(complete)('%s is judged the same with its bundle taken apart', (name) => {
      const vector = load(name)
      const apart = judge(
        { ...vector, collateral: splitBundle(vector.collateral['collateral.json']!) },
        relaxed,
      )
      const { steps: _steps, ...rest } = judge(vector, relaxed)
      expect(apart).toMatchObject(rest)
      expect(apart.acceptable).toBe(true)
    })

    it.each(complete)('%s needs every part of its collateral', (name) => {
      const vector = load(name)
      const bundle = bundleMembers(vector.collateral['collateral.json']!)
      for (const member of Object.keys(bundle).filter((one) => one !== 'pck_crl_issuer_chain')) {
        const { [member]: _removed, ...rest } = bundle
        const collateral = { bundle: new TextEncoder().encode(JSON.stringify(rest)) }
        expect(judge({ ...vector, collateral }, relaxed).reason, member).toBe('collateral-missing')
      }
    })

    it('refuses debug enclaves whatever else is accepted, unless the policy allows them', () => {
      const vector = load(folders.find((name) => name.endsWith('sgx-v3-intel-sdk-debug'))!)
      expect(judge(vector, { allowDebug: true }).reason).toBe('collateral-missing')
    })

    it('compares advisories, evaluation and platform with the policy', () => {
      const vector = load(complete[0]!)
      const reason = (policy: SgxPolicy) => judge(vector, { ...relaxed, ...policy }).reason
      expect(reason({ acceptedAdvisories: ['INTEL-SA-00289'] })).toBe('tcb')
      expect(reason({ acceptedAdvisories: ['INTEL-SA-00289', 'INTEL-SA-00615'] })).toBe(null)
      expect(reason({ minimumTcbEvaluationDataNumber: 18 })).toBe('tcb')
      expect(reason({ minimumTcbEvaluationDataNumber: 17 })).toBe(null)
      expect(reason({ fmspcs: ['00a067110000'] })).toBe(null)
      expect(reason({ fmspcs: ['00a067120000'] })).toBe('hardware')
      expect(reason({ ppids: ['00'.repeat(16)] })).toBe('hardware')
      // Certificates of the Processor CA have no platform instance id.
      expect(reason({ platformInstanceIds: ['00'.repeat(16)] })).toBe('hardware')
    })
  },
)
