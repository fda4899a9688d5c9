import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Evidence, PolicyTuple } from '@sotto/protocol/keyrelease'
import { createWorld, type World } from '@sotto/testkit'
import { appraiseAnyOf, appraiseTuple, verifyEvidence, type EvidenceExpectation } from '@sotto/verifier'
import { signSoftwareReport } from '@sotto/verifier/software-signer'
import { claim } from '../../../../test/claims.ts'

const RUNS = process.env['SLOW'] ? 500 : 25
const reportData = crypto.randomBytes(64)
let world: World
let evidence: Evidence
let expectation: EvidenceExpectation
beforeAll(async () => {
  world = await createWorld()
  evidence = world.evidence('inference', reportData)
  expectation = { roots: [{ family: 'software', root: world.root.digest }], reportData }
})
const code = (name: string): unknown => expect.objectContaining({ code: name })

/** Evidence over a report changed and signed again by the rightful root. */
const resigned = (change: (report: Uint8Array) => void): Evidence => {
  const report = fromBase64Url(evidence.report).slice(0, 0x2a0)
  change(report)
  const signature = crypto.ecdsa.importPrivate('P-384', 'sha384', world.root.privateKey).sign(report)
  const whole = new Uint8Array(1184)
  whole.set(report)
  whole.set(signature.slice(0, 48).toReversed(), 0x2a0)
  whole.set(signature.slice(48).toReversed(), 0x2a0 + 72)
  return { ...evidence, report: toBase64Url(whole) }
}
const tuple = (changes: Partial<PolicyTuple> = {}): PolicyTuple => ({
  name: 'inference',
  role: 'inference',
  family: 'software',
  root: world.root.digest,
  ...world.images.inference,
  ...changes,
})

describe('evidence', () => {
  it(claim('chain.evidence', 'is authentic under a named root, bound to the expected data'), () => {
    expect(verifyEvidence(evidence, expectation)).toMatchObject({
      family: 'software',
      root: world.root.digest,
      ...world.images.inference,
    })
  })

  it('is refused when it is bound to other data', () => {
    const other = { ...expectation, reportData: crypto.randomBytes(64) }
    expect(() => verifyEvidence(evidence, other)).toThrow(code('EVIDENCE_BINDING'))
  })

  it.each([0, 32, 63, 65])(
    'cannot be asked about %i bytes of report data: no expectation is no check',
    (length) => {
      const empty = { ...expectation, reportData: new Uint8Array(length) }
      expect(() => verifyEvidence(world.evidence('inference', new Uint8Array(64)), empty)).toThrow(TypeError)
    },
  )

  it(claim('T10', 'of the software TEE is accepted under no root but the ones a policy names'), () => {
    for (const roots of [
      [],
      [{ family: 'software' as const, root: '0'.repeat(64) }],
      [{ family: 'snp' as const, root: world.root.digest }],
    ]) {
      expect(() => verifyEvidence(evidence, { ...expectation, roots })).toThrow(code('EVIDENCE_ROOT'))
    }
    expect(() => verifyEvidence({ ...evidence, family: 'snp' }, expectation)).toThrow(code('EVIDENCE_ROOT'))
  })

  it('is refused when another root signed and the accepted one is only shown', () => {
    const stranger = crypto.ecdsa.generate('P-384')
    const report = signSoftwareReport(
      { ...world.images.inference, reportData, chipId: new Uint8Array(64) },
      stranger.privateKey,
    )
    expect(() => verifyEvidence({ ...evidence, report: toBase64Url(report) }, expectation)).toThrow(
      code('EVIDENCE_SIGNATURE'),
    )
    expect(() =>
      verifyEvidence({ ...evidence, chain: [evidence.chain[0]!, evidence.chain[0]!] }, expectation),
    ).toThrow(code('EVIDENCE_MALFORMED'))
    expect(() => verifyEvidence({ ...evidence, chain: [] }, expectation)).toThrow(code('EVIDENCE_MALFORMED'))
  })

  it('is refused for signatures that verify anything in broken libraries', () => {
    const report = fromBase64Url(evidence.report)
    for (const fill of [0, 0xff]) {
      const forged = report.slice()
      forged.fill(fill, 0x2a0, 0x2a0 + 48)
      forged.fill(fill, 0x2a0 + 72, 0x2a0 + 72 + 48)
      expect(() => verifyEvidence({ ...evidence, report: toBase64Url(forged) }, expectation)).toThrow(
        code('EVIDENCE_SIGNATURE'),
      )
    }
  })

  it('is refused after any flipped byte', () => {
    const report = fromBase64Url(evidence.report)
    fc.assert(
      fc.property(fc.nat(report.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const flipped = report.map((byte, i) => (i === at ? byte ^ mask : byte))
        expect(() => verifyEvidence({ ...evidence, report: toBase64Url(flipped) }, expectation)).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^EVIDENCE_(MALFORMED|SIGNATURE)$/) as string,
          }),
        )
      }),
      { numRuns: RUNS },
    )
  })
})

describe('a tuple', () => {
  it('admits the workload it describes', () => {
    expect(() => appraiseTuple(verifyEvidence(evidence, expectation), tuple())).not.toThrow()
  })

  it.each<[string, Partial<PolicyTuple>]>([
    ['MEASUREMENT', { measurement: 'ff'.repeat(48) }],
    ['HOST_DATA', { hostData: 'ff'.repeat(32) }],
    ['root', { root: 'ff'.repeat(32) }],
    ['family', { family: 'snp' }],
  ])('refuses another %s by name', (field, changes) => {
    expect(() => appraiseTuple(verifyEvidence(evidence, expectation), tuple(changes))).toThrow(
      expect.objectContaining({ code: 'EVIDENCE_REFUSED', found: expect.stringContaining(field) as string }),
    )
  })

  it('names every mismatch at once', () => {
    const wrong = tuple({ measurement: 'ff'.repeat(48), hostData: 'ff'.repeat(32) })
    expect(() => appraiseTuple(verifyEvidence(evidence, expectation), wrong)).toThrow(
      expect.objectContaining({ found: expect.stringMatching(/MEASUREMENT.*HOST_DATA/) as string }),
    )
  })

  it.each<[string, (report: Uint8Array) => void]>([
    ['may be debugged', (report) => (report[0x0a]! |= 0x08)],
    ['may be migrated', (report) => (report[0x0a]! |= 0x04)],
    ['runs below the highest privilege', (report) => (report[0x30] = 1)],
  ])('refuses a guest that %s, whatever it measured', (_what, change) => {
    expect(() => appraiseTuple(verifyEvidence(resigned(change), expectation), tuple())).toThrow(
      code('EVIDENCE_REFUSED'),
    )
  })

  it(claim('chain.policy', 'never lends its values to another: two halves admit nobody'), () => {
    const verified = verifyEvidence(evidence, expectation)
    const halves = [
      tuple({ name: 'a', hostData: 'ff'.repeat(32) }),
      tuple({ name: 'b', measurement: 'ff'.repeat(48) }),
    ]
    expect(() => appraiseAnyOf(verified, halves)).toThrow(
      expect.objectContaining({
        code: 'EVIDENCE_REFUSED',
        found: expect.stringMatching(/a: .* \| b: /) as string,
      }),
    )
    expect(appraiseAnyOf(verified, [...halves, tuple()]).name).toBe('inference')
    expect(() => appraiseAnyOf(verified, [])).toThrow(code('EVIDENCE_REFUSED'))
  })
})
