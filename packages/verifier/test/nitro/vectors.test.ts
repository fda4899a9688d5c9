import fc from 'fast-check'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromHex } from '@sotto/protocol/bytes'
import type { EvidenceVerdict, Reason } from '@sotto/verifier/family'
import { parseNitroDocument, verifyNitro } from '@sotto/verifier/nitro'

const RUNS = process.env['SLOW'] ? 300 : 20

const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation/nitro',
)
const present = existsSync(folder)
if (!present && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

interface Vector {
  id: string
  evidence: Uint8Array
  at: number
  expect: Record<string, unknown>
}

const vectors: Vector[] = present
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('expected.json'))
      .map((name) => {
        const expected = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
          id: string
          files: string[]
          verify_at: string
          expect: Record<string, unknown>
        }
        return {
          id: expected.id,
          evidence: new Uint8Array(readFileSync(join(folder, dirname(name), expected.files[0]!))),
          at: Date.parse(expected.verify_at) / 1000,
          expect: expected.expect,
        }
      })
  : []

/** What the sentences of these vectors mean. */
const REASONS: readonly [RegExp, Reason][] = [
  [/expired/, 'expired'],
  [/signature/, 'signature'],
  [/debug/, 'debug'],
]

const judge = ({ evidence, at }: Vector): EvidenceVerdict => verifyNitro({ evidence, collateral: {}, at })
const failed = (verdict: EvidenceVerdict): string[] =>
  verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)

describe.skipIf(!present)(
  'documents of real enclaves (skipped: SOTTO_VECTORS has no attestation/nitro)',
  () => {
    const cases = vectors.map((vector) => [vector.id, vector] as const)

    it.each(cases)('%s has its verdict, its reason and its fields', (_id, vector) => {
      const verdict = judge(vector)
      const { strict_policy_result: result, reject_reason: reason, ...fields } = vector.expect
      expect(verdict.acceptable).toBe(result === 'accept')
      const expected =
        reason === undefined ? null : REASONS.find(([pattern]) => pattern.test(reason as string))![1]
      expect(verdict.reason).toBe(expected)
      expect(verdict.fields).toMatchObject(fields)
    })

    const genuine = cases.filter(
      ([
        ,
        {
          expect: { signature },
        },
      ]) => signature === 'valid',
    )
    it.each(
      genuine.filter(
        ([
          ,
          {
            expect: { debug_mode: debug },
          },
        ]) => debug === true,
      ),
    )('%s is accepted where debugging is allowed, and says so', (_id, vector) => {
      const { evidence, at } = vector
      const verdict = verifyNitro({ evidence, collateral: {}, at, policy: { allowDebug: true } })
      expect(verdict).toMatchObject({ acceptable: true, reason: null, fields: { debug_mode: true } })
    })

    it.each(genuine)('%s ends with its certificates', (_id, vector) => {
      const { validUntil } = judge(vector)
      const [, end] = (vector.expect['chain_valid'] as string).split('..')
      expect(validUntil).toBe(Date.parse(end!) / 1000)
      expect(judge({ ...vector, at: validUntil! }).authentic).toBe(true)
      expect(failed(judge({ ...vector, at: validUntil! + 1 }))).toContain('nitro.validity')
    })

    it.each(genuine)('%s is bound to its user data', (_id, { evidence, at, expect: { user_data: hex } }) => {
      const userData = fromHex(hex as string)
      const expectedReportData = userData.length > 0 ? userData : new Uint8Array(1)
      const verdict = verifyNitro({ evidence, collateral: {}, at, expectedReportData })
      expect(failed(verdict).includes('nitro.binding')).toBe(userData.length === 0)
    })

    it.each(genuine)('%s is refused when any bit of it is another', (_id, vector) => {
      const policy = { allowDebug: true }
      const { length } = vector.evidence
      fc.assert(
        fc.property(fc.nat({ max: length * 8 - 1 }), (bit) => {
          const evidence = vector.evidence.slice()
          evidence[bit >> 3]! ^= 1 << (bit & 7)
          const verdict = verifyNitro({ evidence, collateral: {}, at: vector.at, policy })
          expect(verdict.authentic).toBe(false)
          expect(verdict.reason).not.toBeNull()
        }),
        { numRuns: RUNS },
      )
    })

    it.each(genuine)('%s is refused when it is cut off or continued', (_id, { evidence, at }) => {
      for (const bytes of [
        evidence.subarray(0, -1),
        evidence.subarray(1),
        Uint8Array.of(...evidence, 0),
        new Uint8Array(0),
      ]) {
        const verdict = verifyNitro({ evidence: bytes, collateral: {}, at })
        expect(verdict).toMatchObject({ authentic: false, reason: 'malformed' })
      }
    })

    it('signatures of one document do not cover another', () => {
      const [[, one], [, other]] = genuine as [(typeof genuine)[0], (typeof genuine)[0]]
      const parsed = parseNitroDocument(one.evidence)
      const evidence = one.evidence.slice()
      evidence.set(parseNitroDocument(other.evidence).message.signature, evidence.length - 96)
      expect(parseNitroDocument(evidence).pcrs).toEqual(parsed.pcrs)
      expect(judge({ ...one, evidence }).reason).toBe('signature')
    })
  },
)
