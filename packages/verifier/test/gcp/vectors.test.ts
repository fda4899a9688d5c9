import fc from 'fast-check'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import type { Collateral, EvidenceVerdict, Reason } from '@sotto/verifier/family'
import { type ConfidentialSpacePolicy, verifyConfidentialSpace } from '@sotto/verifier/gcp'

const RUNS = process.env['SLOW'] ? 300 : 25

const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation/gcp-confidential-space',
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
        const others = pieces.filter((piece) => piece !== evidence)
        return {
          id: expected.id,
          evidence: evidence!,
          // Names say nothing.
          collateral: Object.fromEntries(others.map((piece, index) => [`piece-${index}`, piece])),
          at: Date.parse(expected.verify_at) / 1000,
          expect: expected.expect,
        }
      })
  : []

/** What the sentences of these vectors mean. */
const REASONS: readonly [RegExp, Reason][] = [
  [/alg none/, 'algorithm'],
  [/chain/, 'chain'],
  [/dbgstat/, 'debug'],
  [/signature/, 'signature'],
]

/** Accepts a debug image: those have no support attributes. */
const RELAXED: ConfidentialSpacePolicy = { allowDebug: true, supportAttributes: [] }
const judge = (vector: Vector, policy: ConfidentialSpacePolicy = {}, nonce?: string): EvidenceVerdict =>
  verifyConfidentialSpace({
    evidence: vector.evidence,
    collateral: vector.collateral,
    at: vector.at,
    policy,
    ...(nonce !== undefined && { expectedReportData: utf8(nonce) }),
  })
const failed = ({ steps }: EvidenceVerdict): Record<string, string | undefined> =>
  Object.fromEntries(steps.filter(({ status }) => status === 'fail').map((step) => [step.name, step.class]))

describe.skipIf(!present)(
  'tokens of the real service (skipped: SOTTO_VECTORS has no attestation/gcp-confidential-space)',
  () => {
    const cases = vectors.map((vector) => [vector.id, vector] as const)

    it.each(cases)('%s has its verdict, its reason and its fields', (_id, vector) => {
      const verdict = judge(vector)
      const { strict_policy_result: result, reject_reason: reason, ...fields } = vector.expect
      expect(verdict.acceptable).toBe(result === 'accept')
      expect(verdict.reason).toBe(REASONS.find(([pattern]) => pattern.test(reason as string))![1])
      expect(verdict.fields).toMatchObject(fields)
      // The root that lies beside some of them decides nothing.
      expect(judge({ ...vector, collateral: {} }).reason).toBe(verdict.reason)
    })

    const genuine = cases.filter(
      ([
        ,
        {
          expect: { signature, chain_to_root: chain },
        },
      ]) => signature === 'True' && chain === true,
    )

    it.each(genuine)('%s is authentic, and acceptable under a policy for debug images', (_id, vector) => {
      const strict = judge(vector)
      expect(strict).toMatchObject({ authentic: true, acceptable: false })
      expect(failed(strict)).toEqual({
        'gcp-confidential-space.debug': 'debug',
        'gcp-confidential-space.support': 'tcb',
      })
      expect(judge(vector, RELAXED)).toMatchObject({ acceptable: true, reason: null })
    })

    it.each(genuine)('%s begins and ends when it says', (_id, vector) => {
      const { iat, exp } = vector.expect as { iat: number; exp: number }
      const at = (time: number): EvidenceVerdict => judge({ ...vector, at: time }, RELAXED)
      expect(at(exp - 1)).toMatchObject({ acceptable: true, validUntil: exp - 1 })
      expect(at(exp).reason).toBe('expired')
      expect(at(iat - 1).reason).toBe('expired')
    })

    it.each(genuine)('%s is bound to its nonce, audience and image', (_id, vector) => {
      const { eat_nonce: nonce, aud, image_digest: digest } = vector.expect as Record<string, string>
      const right = { ...RELAXED, audiences: [aud!], imageDigests: [digest!], nonces: [nonce!] }
      expect(judge(vector, right, nonce).acceptable).toBe(true)
      expect(failed(judge(vector, RELAXED, `${nonce}.`))).toEqual({
        'gcp-confidential-space.binding': 'binding',
      })
      const wrong = { ...RELAXED, audiences: ['https://other'], imageDigests: [`sha256:${'0'.repeat(64)}`] }
      expect(failed(judge(vector, wrong))).toEqual({
        'gcp-confidential-space.audience': 'issuer',
        'gcp-confidential-space.image': 'measurement',
      })
    })

    it.each(genuine)('%s is refused when any character of it is another', (_id, vector) => {
      const token = fromUtf8(vector.evidence)
      const characters = fc.constantFrom(...'AQgw0-_.=')
      fc.assert(
        fc.property(fc.nat({ max: token.length - 1 }), characters, (at, character) => {
          fc.pre(token[at] !== character)
          const evidence = utf8(token.slice(0, at) + character + token.slice(at + 1))
          const verdict = judge({ ...vector, evidence }, RELAXED)
          expect(verdict.authentic).toBe(false)
          expect(verdict.reason).not.toBeNull()
        }),
        { numRuns: RUNS },
      )
    })
  },
)
