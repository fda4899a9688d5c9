import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  bindReportData,
  decodeDocument,
  encodeDocument,
  releasedKeysDecoder,
  releaseResponseDecoder,
  type Component,
  type Evidence,
  type PolicyTuple,
} from '@sotto/protocol/keyrelease'
import { createReceipt, createWorld, fakeKeyConfig, fakeSigner, type World } from '@sotto/testkit'
import { verifyReceipt, verifyTrustBundle, type BundleResult } from '@sotto/verifier'
import { appraiseEvidence, type EvidenceAppraisal } from '@sotto/verifier/appraisal'
import { parseSnpReport } from '@sotto/verifier/snp'
import { evidencePieces, platformPolicy } from '@sotto/verifier/workload'
import { claim } from '../../../test/claims.ts'

/**
 * Defects other verifiers and key services were published with, and a test each that this one has
 * none. Those of one family of hardware stand with the tests of that family.
 */
const verify = (world: World): BundleResult =>
  verifyTrustBundle(world.bundle, world.policy, { now: world.now })
const failed = ({ verdict }: BundleResult): string[] =>
  verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)

let world: World
const reportData = crypto.randomBytes(64)
/** Judges evidence as a KMS does, bound to `expected`. */
const judge = (evidence: Evidence, anyOf: PolicyTuple[], expected?: Uint8Array): EvidenceAppraisal =>
  appraiseEvidence(evidencePieces(evidence), platformPolicy(world.policy, anyOf), {
    at: world.now,
    boundAt: world.now,
    ...(expected !== undefined && { expectedReportData: expected }),
  })
const component = (measurements: string, hostData: string): Component => ({
  family: 'software',
  roots: [world.root.digest],
  measurements: [measurements],
  hostData: [hostData],
})
const admitting = (): PolicyTuple[] => [
  { name: 'own', role: 'inference', allOf: [{ family: 'software', roots: [world.root.digest] }] },
]
beforeAll(async () => {
  world = await createWorld()
})

describe('published defects of evidence verifiers', () => {
  it('GHSA-4px3-wj2x-xx47: report_data is never compared', () => {
    const evidence = world.evidence('inference', crypto.randomBytes(64))
    expect(judge(evidence, admitting(), reportData)).toMatchObject({ admitted: false, reason: 'binding' })
  })

  it('GHSA-4r6g-mp48-j2rw: an empty expectation of report data skips the check', () => {
    const unbound = world.evidence('inference', new Uint8Array(64))
    for (const expected of [new Uint8Array(0), new Uint8Array(32), undefined])
      expect(judge(unbound, admitting(), expected)).toMatchObject({ admitted: false, reason: 'binding' })
    expect(judge(unbound, admitting(), new Uint8Array(64)).admitted).toBe(true)
  })

  it('TCB status discarded (bitrouter#566): what is revoked or too old passes all the same', async () => {
    for (const [change, step] of [
      [{ revoked: [world.images.kms.measurement] }, 'kms.measurement'],
      [{ minSecurityVersion: { kms: 2, inference: 1 } }, 'kms.measurement'],
      [{ minSecurityVersion: { kms: 1, inference: 2 } }, 'keys.policy-tuples'],
    ] as const)
      expect(
        failed(
          verify(
            await createWorld({ policy: (policy) => ({ ...policy, ...structuredClone(change) }) as never }),
          ),
        ),
      ).toEqual([step])
  })

  const turin = join(
    process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../shared/vectors'),
    'attestation/sev-snp/project-oak__oak/turin-v5/report.bin',
  )
  if (!existsSync(turin) && process.env['CI']) throw new Error(`vectors are missing: ${turin}`)
  it.skipIf(!existsSync(turin))(
    'go-sev-guest without the TCB layout of Turin: versions are read by the layout of Milan (skipped: no vectors)',
    () => {
      const report = new Uint8Array(readFileSync(turin))
      // Every TCB version stays eight bytes; nothing here gives them the meaning of one product.
      const { REPORTED_TCB, CPUID } = parseSnpReport(report)
      expect(REPORTED_TCB).toBe(new DataView(report.buffer).getBigUint64(0x180, true))
      expect(CPUID?.FAM_ID).toBe(0x1a)
    },
  )
})

describe('published defects of a key management service and its clients', () => {
  it(
    claim(
      ['chain.receipt', 'chain.nothing-sent'],
      'the result of receipt verification is discarded, so a forged receipt passes',
    ),
    async () => {
      const forged = await createWorld({ signers: { keySet: fakeSigner() } })
      const { verdict, service } = verify(forged)
      expect([verdict.ok, service]).toEqual([false, undefined])
      const receipt = await createReceipt(world, { signers: { receipt: fakeSigner() } })
      expect(verifyReceipt(receipt.saved, world.policy)).not.toHaveProperty('receipt')
    },
  )

  it('the digest in the evidence is never compared with the key', async () => {
    // Genuine evidence, a genuine certificate, a genuine key set: of a statement key the report does not bind.
    const kms = fakeSigner()
    const signingKey = toBase64Url(kms.publicKey)
    const split = await createWorld({
      certificate: (certificate) => ({ ...certificate, signingKey }),
      signers: { keySet: kms },
    })
    expect(failed(verify(split))).toEqual(['kms.certificate'])
    split.bundle.kms.binding = { ...split.bundle.kms.binding, signingKey }
    expect(failed(verify(split))).toEqual(['kms.binding'])
    expect(bindReportData('kms', split.bundle.kms.binding)).toHaveLength(64)
  })

  it('a private key is returned in clear when a flag is omitted', () => {
    const logged = { envelope: '{}', index: 0 }
    const clear = { keySet: logged, policy: logged, receipt: logged, key: toBase64Url(reportData) }
    expect(() => decodeDocument(encodeDocument(clear), releaseResponseDecoder)).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )
  })

  it('keys are logged: an error says what is wrong without the value', () => {
    const secret = toBase64Url(crypto.randomBytes(24))
    const released = { keys: [{ keyId: 1, privateKey: secret }], artifacts: [] }
    try {
      decodeDocument(encodeDocument(released), releasedKeysDecoder)
      expect.unreachable()
    } catch (error) {
      const { message, expected, found, hint, stack } = error as Error & Record<string, unknown>
      expect([message, expected, found, hint, stack].join('\n')).not.toContain(secret)
    }
  })

  it('key identifiers wrap around and overwrite each other', async () => {
    const make = (ids: number[]): Promise<World> =>
      createWorld({
        keys: (policy, now) =>
          ids.map((keyId) => ({
            keyId,
            config: toBase64Url(fakeKeyConfig(keyId % 256)),
            policy,
            notBefore: now - 9,
            notAfter: now + 9,
          })),
      })
    expect(failed(verify(await make([1, 1])))).toEqual(['keys.receipt'])
    expect(failed(verify(await make([1, 257])))).toEqual(['keys.receipt'])
    expect(failed(verify(await make([255, 0])))).toEqual([])
  })

  it('the grace period is unreachable: a key that is being replaced is not usable to its end', async () => {
    const rotating = await createWorld({
      keys: (policy, now) => [
        {
          keyId: 1,
          config: toBase64Url(fakeKeyConfig(1)),
          policy,
          notBefore: now - 3600,
          notAfter: now + 60,
        },
        { keyId: 2, config: toBase64Url(fakeKeyConfig(2)), policy, notBefore: now - 9, notAfter: now + 3600 },
        { keyId: 3, config: toBase64Url(fakeKeyConfig(3)), policy, notBefore: now + 9, notAfter: now + 7200 },
      ],
    })
    const keysAt = (now: number): number[] =>
      verifyTrustBundle(rotating.bundle, rotating.policy, { now }).service!.keys.map(({ keyId }) => keyId)
    expect(keysAt(rotating.now)).toEqual([2, 1])
    expect(keysAt(rotating.now + 59)).toEqual([3, 2, 1])
    expect(keysAt(rotating.now + 60)).toEqual([3, 2])
  })

  it(claim(['chain.policy', 'T2'], 'one global policy mixes the claims of several workloads'), async () => {
    const [a, b] = [world.images.kms, world.images.inference]
    const half: PolicyTuple = {
      name: 'mixed',
      role: 'inference',
      allOf: [component(b.measurement, a.hostData)],
    }
    const halves = [half, { ...half, name: 'other', allOf: [component(a.measurement, b.hostData)] }]
    expect(judge(world.evidence('inference', reportData), halves, reportData).admitted).toBe(false)
    const mixed = await createWorld({
      keyPolicy: (policy) => ({
        ...policy,
        anyOf: [
          ...policy.anyOf,
          { ...half, allOf: [{ ...half.allOf[0]!, roots: policy.anyOf[0]!.allOf[0]!['roots']! }] },
        ],
      }),
    })
    expect(failed(verify(mixed))).toEqual(['keys.policy-tuples'])
  })

  it('proposals are accepted by themselves: a policy fewer members signed than the genesis asks', async () => {
    const member = fakeSigner()
    const members = [member, fakeSigner()].map(({ publicKey }, i) => ({
      name: `member ${i}`,
      key: toBase64Url(publicKey),
    }))
    const hasty = await createWorld({
      genesis: (genesis) => ({ ...genesis, members, threshold: 2 }),
      signers: { keyPolicy: member },
    })
    expect(failed(verify(hasty))).toEqual(['keys.policy'])
  })

  it(claim('T16', 'truncated streams are accepted: what was cut has no receipt that holds'), async () => {
    const { saved, request, response } = await createReceipt(world)
    const cut = { ...response, body: [response.body.slice(0, -1)] }
    const { ok } = verifyReceipt(saved, world.policy, {
      request: { ...request, body: [request.body] },
      response: cut,
    })
    expect(ok).toBe(false)
  })
})
