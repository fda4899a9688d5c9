import fc from 'fast-check'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromHex, fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseJwks } from '@sotto/protocol/jose'
import { parseCertificate } from '@sotto/protocol/x509'
import type { Collateral, EvidenceVerdict, Reason } from '@sotto/verifier/family'
import { type AzureMaaPolicy, readSigningKeyQuote, verifyAzureMaa } from '@sotto/verifier/maa'

const RUNS = process.env['SLOW'] ? 300 : 25

const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation/azure-maa',
)
const present = existsSync(folder)
if (!present && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

interface Vector {
  id: string
  evidence: Uint8Array
  collateral: Collateral
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
        const pieces = expected.files.map(
          (file) => new Uint8Array(readFileSync(join(folder, dirname(name), file))),
        )
        const [evidence] = pieces.filter((piece) => piece[0] === 0x65)
        const sets = pieces.filter((piece) => piece !== evidence)
        return {
          id: expected.id,
          evidence: evidence!,
          // Names say nothing.
          collateral: Object.fromEntries(sets.map((piece, index) => [`piece-${index}`, piece])),
          at: Date.parse(expected.verify_at) / 1000,
          expect: expected.expect,
        }
      })
  : []

/** What the sentences of these vectors mean. */
const REASONS: readonly [RegExp, Reason][] = [
  [/alg.?none/, 'algorithm'],
  [/kid/, 'issuer'],
  [/debuggable/, 'debug'],
  [/^signature/, 'signature'],
]

const judge = (
  { evidence, collateral, at }: Vector,
  policy: AzureMaaPolicy = {},
  expectedReportData?: Uint8Array,
): EvidenceVerdict =>
  verifyAzureMaa({
    trustKeySets: true,
    evidence,
    collateral,
    at,
    policy,
    ...(expectedReportData && { expectedReportData }),
  })
const failed = ({ steps }: EvidenceVerdict): Record<string, string | undefined> =>
  Object.fromEntries(steps.filter(({ status }) => status === 'fail').map((step) => [step.name, step.class]))

describe.skipIf(!present)(
  'tokens of the real service (skipped: SOTTO_VECTORS has no attestation/azure-maa)',
  () => {
    const cases = vectors.map((vector) => [vector.id, vector] as const)

    it.each(cases)('%s has its verdict, its reason and its fields', (_id, vector) => {
      const verdict = judge(vector)
      const { strict_policy_result: result, reject_reason: reason, ...fields } = vector.expect
      expect(verdict.acceptable).toBe(result === 'accept')
      const expected =
        reason === undefined ? null : REASONS.find(([pattern]) => pattern.test(reason as string))![1]
      expect(verdict.reason).toBe(expected)
      // The vectors leave out claims that are long, and some the type of hardware.
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

    it.each(genuine)('%s is acceptable where debugging is allowed', (_id, vector) => {
      expect(judge(vector, { allowDebug: true })).toMatchObject({ acceptable: true, reason: null })
    })

    it.each(genuine)('%s is not accepted without its key set, whatever the policy allows', (_id, vector) => {
      const verdict = judge({ ...vector, collateral: {} }, { allowDebug: true })
      expect(failed(verdict)).toEqual({
        'azure-maa.signing-key': 'issuer',
        'azure-maa.key-set': 'collateral-missing',
      })
      expect(verdict.authentic).toBe(false)
    })

    it.each(genuine)('%s begins and ends when it says', (_id, vector) => {
      const { nbf, exp } = vector.expect as { nbf: number; exp: number }
      const at = (time: number): EvidenceVerdict => judge({ ...vector, at: time }, { allowDebug: true })
      expect(at(exp - 1)).toMatchObject({ acceptable: true, validUntil: exp - 1 })
      expect(at(exp).reason).toBe('expired')
      expect(at(nbf).acceptable).toBe(true)
      expect(at(nbf - 1).reason).toBe('expired')
    })

    it.each(genuine)('%s is bound to its report data', (_id, vector) => {
      const claims = vector.expect['claims'] as Record<string, string>
      const reportData = fromHex(claims['x-ms-sgx-report-data']!)
      const bound = (expected: Uint8Array): EvidenceVerdict => judge(vector, { allowDebug: true }, expected)
      expect(bound(reportData).acceptable).toBe(true)
      for (const other of [reportData.subarray(0, 32), new Uint8Array(64), new Uint8Array(0)])
        expect(failed(bound(other))).toEqual({ 'azure-maa.binding': 'binding' })
    })

    it.each(genuine)(
      '%s was signed by the enclave that a quote in its certificate is about',
      (_id, { collateral }) => {
        const [jwk] = [...parseJwks(Object.values(collateral)[0]!).values()]
        const certificate = parseCertificate(jwk!.x5c![0]!)
        expect(readSigningKeyQuote(certificate)).toMatchObject({ bindsKey: true })
        const other = { ...certificate, spki: crypto.randomBytes(294) }
        expect(readSigningKeyQuote(other)).toMatchObject({ bindsKey: false })
      },
    )

    it.each(genuine)('%s is accepted under its pinned key and no other', (_id, vector) => {
      const [jwk] = [...parseJwks(Object.values(vector.collateral)[0]!).values()]
      const pin = toHex(crypto.sha256(parseCertificate(jwk!.x5c![0]!).spki))
      const pinned = (...signingKeys: string[]): EvidenceVerdict =>
        judge(vector, { allowDebug: true, signingKeys })
      expect(pinned('00'.repeat(32), pin).acceptable).toBe(true)
      expect(failed(pinned('00'.repeat(32)))).toEqual({ 'azure-maa.pinned-key': 'issuer' })
    })

    it.each(genuine)('%s is refused when any character of it is another', (_id, vector) => {
      const token = fromUtf8(vector.evidence)
      const characters = fc.constantFrom(...'AQgw0-_.=')
      fc.assert(
        fc.property(fc.nat({ max: token.length - 1 }), characters, (at, character) => {
          fc.pre(token[at] !== character)
          const evidence = utf8(token.slice(0, at) + character + token.slice(at + 1))
          const verdict = judge({ ...vector, evidence }, { allowDebug: true })
          expect(verdict.authentic).toBe(false)
          expect(verdict.reason).not.toBeNull()
        }),
        { numRuns: RUNS },
      )
    })
  },
)
