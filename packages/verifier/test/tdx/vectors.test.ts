import { describe, expect, it } from 'vitest'
import { verifyTdx } from '@sotto/verifier/tdx'
import { bundleMembers, splitBundle } from '../dcap/pieces.ts'
import { expectedFields, hasVectors, loadQuoteVector, vectorFolders } from '../dcap/vectors.ts'

const FAMILY = 'tdx'
const folders = vectorFolders(FAMILY, 'quote.bin')
const load = (name: string) => loadQuoteVector(FAMILY, name)
const judge = ({ evidence, collateral, at }: ReturnType<typeof load>) =>
  verifyTdx({ evidence, collateral, at })

/** First reason of each refused vector, by the end of its folder. */
const REASONS: Readonly<Record<string, string>> = {
  'tdx-v4-dstack-eventlog': 'collateral-missing',
  'tdx-v4-b0c06f': 'collateral-missing',
  'tdx-v4-tappd': 'collateral-missing',
  'tdx-v5-nomatch': 'tcb',
  'tdx-v5-90c06f': 'collateral-missing',
  'tdx-v5-alibaba': 'collateral-missing',
  'tdx-quote-4': 'debug',
  'tdx-quote-5': 'collateral-missing',
  'tdx-quote-6': 'collateral-missing',
  'tdx-v4-gcp-cos113-ccel': 'collateral-missing',
  'tdx-v4-spr-e4': 'tcb',
  'tdx-v5': 'collateral-missing',
  'tdx-v4-ccel-match': 'collateral-missing',
  'tdx-v4-ccel-rtmr2-mismatch': 'event-log',
  'tdx-v4-uptodate__ak-bit': 'signature',
  'tdx-v4-uptodate__body-bit': 'signature',
  'tdx-v4-uptodate__crl-garbage': 'collateral-invalid',
  'tdx-v4-uptodate__expired': 'expired',
  'tdx-v4-uptodate__tcbinfo-edited': 'collateral-invalid',
}

describe.skipIf(!hasVectors(FAMILY))(
  'quotes of real TDs (skipped: SOTTO_VECTORS has no attestation/tdx)',
  () => {
    it.each(folders)('%s has the published result and fields', (name) => {
      const vector = load(name)
      const verdict = judge(vector)
      expect(verdict.fields).toMatchObject(expectedFields(vector))
      expect(verdict.acceptable).toBe(vector.expect.strict_policy_result === 'accept')
      const known = Object.keys(REASONS).find((end) => name.endsWith(`/${end}`))
      expect(verdict.reason).toBe(known === undefined ? null : REASONS[known])
      // Somebody appended a sentence to one of them.
      expect(verdict.authentic).toBe(!name.startsWith('mutations/') && !name.endsWith('/tdx-v4-spr-e4'))
      // Nothing a verdict says can be missed by a program: what failed has a class.
      for (const { status, class: of } of verdict.steps) if (status === 'fail') expect(of).toBeDefined()
    })

    it('is seen whole: there are vectors of each version, accepted and refused', () => {
      expect(folders.length).toBeGreaterThanOrEqual(21)
      const verdicts = folders.map((name) => judge(load(name)))
      expect(verdicts.filter(({ acceptable }) => acceptable)).toHaveLength(2)
      expect(new Set(verdicts.map(({ fields }) => fields['version']))).toEqual(new Set([4, 5]))
    })

    it.each(folders)('%s is judged the same with its files renamed and in another order', (name) => {
      const vector = load(name)
      const renamed = Object.entries(vector.collateral)
        .toReversed()
        .map(([, bytes], index) => [`piece ${index}`, bytes] as const)
      expect(judge({ ...vector, collateral: Object.fromEntries(renamed) })).toEqual(judge(vector))
    })

    const complete = folders.filter((name) => /tdx-v4-uptodate$|tdx-v4-uptodate-20a06f$|nomatch$/.test(name))

    it.each(complete)('%s is judged the same with its bundle taken apart', (name) => {
      const vector = load(name)
      const apart = judge({ ...vector, collateral: splitBundle(vector.collateral['collateral.json']!) })
      const { steps: _steps, ...rest } = judge(vector)
      expect(apart).toMatchObject(rest)
    })

    it.each(complete)('%s is accepted with no part of its collateral less', (name) => {
      const vector = load(name)
      const bundle = bundleMembers(vector.collateral['collateral.json']!)
      for (const member of Object.keys(bundle)) {
        const { [member]: _removed, ...rest } = bundle
        const collateral = { bundle: new TextEncoder().encode(JSON.stringify(rest)) }
        const verdict = judge({ ...vector, collateral })
        // The authority's certificate stands in the quote as well.
        if (member === 'pck_crl_issuer_chain') expect(verdict.reason).toBe(judge(vector).reason)
        else expect([verdict.acceptable, verdict.authentic]).toEqual([false, true])
        if (judge(vector).acceptable && member !== 'pck_crl_issuer_chain')
          expect(verdict.reason, member).toBe('collateral-missing')
      }
    })

    it('names every defect of a quote that has several', () => {
      const verdict = judge(load(folders.find((name) => name.endsWith('tdx-v4-spr-e4'))!))
      const failed = verdict.steps.filter(({ status }) => status === 'fail')
      expect(failed.map(({ name, class: of }) => [name, of])).toEqual([
        ['tdx.tcb', 'tcb'],
        ['tdx.tcb-status', 'tcb'],
        ['tdx.attributes', 'guest-policy'],
        ['tdx.trailing', 'malformed'],
      ])
    })

    it('is valid no longer than the first of its collateral', () => {
      const vector = load(folders.find((name) => name.endsWith('tdx-v4-uptodate'))!)
      expect(judge(vector).validUntil).toBe(Date.parse('2025-07-19T10:00:35Z') / 1000)
    })

    it('accepts a service TD only where the policy names it', () => {
      const { evidence, collateral, at } = load(folders.find((name) => name.endsWith('tdx-v5-alibaba'))!)
      const step = (mrServiceTd?: string[]) =>
        verifyTdx({ evidence, collateral, at, policy: mrServiceTd ? { mrServiceTd } : {} }).steps.find(
          ({ name }) => name === 'tdx.attributes',
        )
      const hash =
        '383c87d3bbb047b2d171eaca95312ede99f258088dc788f6ae2ccf8b6dd848fe8d47629e08b3f6cbd4a00dd47a5a033d'
      expect(step()).toMatchObject({ status: 'fail', class: 'guest-policy' })
      expect(step(['00'.repeat(48)])).toMatchObject({ status: 'fail' })
      expect(step([hash])).toMatchObject({ status: 'pass' })
    })
  },
)
