import { describe, expect, it } from 'vitest'
import { BY_CONTRACT, type DataUse, NO_CONTENT } from '@sotto/protocol/data-use'
import type { Component, PolicyTuple, ReleaseStatement } from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import {
  covers,
  describeRelease,
  findReleaseDefect,
  findRevoked,
  withRelease,
} from '@sotto/verifier/workload'
import { claim } from '../../../../test/claims.ts'

const IMAGE = 'a1'.repeat(32)
const CONFIGURATION = 'c0'.repeat(32)
const M = 'aa'.repeat(48)
const N = 'bb'.repeat(48)

const release = (evidence: Component): ReleaseStatement => ({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [
    { name: 'image', digest: { sha256: IMAGE } },
    { name: 'configuration', digest: { sha256: CONFIGURATION } },
  ],
  predicateType: 'https://sotto.dev/attestation/release/v1',
  predicate: { role: 'inference', version: '1.2.3', securityVersion: 1, evidence, createdAt: 5 },
})
const SNP: Component = { family: 'sev-snp', measurements: [M], hostData: [CONFIGURATION] }
const SOFTWARE: Component = {
  family: 'software',
  measurements: [softwareMeasurement(IMAGE)],
  hostData: [CONFIGURATION],
}
const TDX: Component = {
  family: 'tdx',
  mrTd: [M],
  rtmr1: [N],
  rtmr2: [N],
  mrConfigId: [CONFIGURATION.padEnd(96, '0')],
}
const tuple = (component: Component, change: Partial<PolicyTuple> = {}): PolicyTuple => ({
  name: 't',
  role: 'inference',
  allOf: [component],
  ...change,
})

const use = (...tasks: DataUse['tasks']): DataUse => ({ tasks, retentionSeconds: 0, training: false })

describe('a release statement', () => {
  it.each<[string, Component]>([
    ['an SNP guest', SNP],
    ['a TD', TDX],
    ['an SGX enclave', { family: 'sgx', mrEnclave: ['dd'.repeat(32)] }],
    ['a Nitro enclave', { family: 'nitro', pcrs: { 0: [M], 8: [N] } }],
    ['an Azure machine', { family: 'azure-cvm', snp: { measurements: [M] }, pcrs: { 4: ['dd'.repeat(32)] } }],
    ['a container of Google', { family: 'gcp-confidential-space', imageDigests: [`sha256:${IMAGE}`] }],
    ['the software TEE', SOFTWARE],
  ])(claim('chain.measurement', 'may be about %s'), (_what, evidence) => {
    expect(findReleaseDefect(release(evidence))).toBeUndefined()
  })

  it.each<[string, Component, RegExp]>([
    ['no program', { family: 'sev-snp', hostData: [CONFIGURATION] }, /names no measurements/],
    [
      'no configuration where the hardware has a field for it',
      { family: 'sev-snp', measurements: [M] },
      /names no hostData/,
    ],
    [
      'no firmware',
      { family: 'tdx', rtmr1: [N], rtmr2: [N], mrConfigId: TDX['mrConfigId']! },
      /names no mrTd/,
    ],
    [
      'nothing but what a guest extends by itself',
      { family: 'tdx', mrTd: [M], rtmr3: [N], mrConfigId: TDX['mrConfigId']! },
      /names no rtmr1/,
    ],
    [
      'nothing but what can be reset',
      { family: 'azure-cvm', snp: { measurements: [M] }, pcrs: { 16: [M] } },
      /names no pcrs.4/,
    ],
    [
      'no paravisor',
      { family: 'azure-cvm', pcrs: { 4: ['dd'.repeat(32)] } },
      /names no snp.measurements or tdx.mrTd/,
    ],
    ['who signed it and not what', { family: 'sgx', mrSigner: ['dd'.repeat(32)] }, /names no mrEnclave/],
    ['who signed it and not what', { family: 'nitro', pcrs: { 8: [M] } }, /names no pcrs.0/],
    ['firmware alone', { family: 'azure-maa', mrTds: [M] }, /names no mrEnclaves or launchMeasurements/],
    ['anything but program and configuration', { ...SNP, allowDebug: true }, /allowDebug says more/],
    [
      'anything else of the hardware inside',
      { family: 'azure-cvm', snp: { measurements: [M], allowDebug: true }, pcrs: { 4: ['dd'.repeat(32)] } },
      /snp says more/,
    ],
    ['which chips it may run on', { ...SNP, chipIds: ['ee'.repeat(64)] }, /chipIds says more/],
    [
      'another configuration than its subject',
      { ...SNP, hostData: ['ff'.repeat(32)] },
      /another configuration/,
    ],
    [
      'a configuration beside that of its subject',
      { ...SNP, hostData: [CONFIGURATION, 'ff'.repeat(32)] },
      /another configuration/,
    ],
    [
      'a configuration that begins like it',
      { ...TDX, mrConfigId: [CONFIGURATION.padEnd(96, '1')] },
      /another configuration/,
    ],
    ['what its family does not read', { ...SNP, measurments: [M] }, /measurments/],
    ['an entry that ends', { ...SNP, measurements: [{ value: M, notAfter: 1 }] }, /malformed/],
    ['a GPU', { family: 'nvidia' }, /GPU says nothing/],
    ['another image on the software TEE', { ...SOFTWARE, measurements: [M] }, /another image/],
    [
      'two images on the software TEE',
      { ...SOFTWARE, measurements: [softwareMeasurement(IMAGE), M] },
      /another image/,
    ],
    [
      'no configuration on the software TEE',
      { family: 'software', measurements: [softwareMeasurement(IMAGE)] },
      /names no hostData/,
    ],
    ['a root of the software TEE', { ...SOFTWARE, roots: [IMAGE] }, /roots says more/],
  ])('contradicts itself when its evidence names %s', (_what, evidence, says) => {
    expect(findReleaseDefect(release(evidence))).toMatch(says)
  })

  it.each<[string, Partial<ReleaseStatement['predicate']>, RegExp | undefined]>([
    ['a workload', {}, undefined],
    ['a workload that says what it does', { dataUse: use('summarization') }, undefined],
    ['a workload that uses content for nothing', { dataUse: use() }, /data use names no task/],
    ['a KMS', { role: 'kms' }, /a KMS runs no app/],
  ])(claim('T20.app', 'names an app only where one can run: %s'), (_what, change, says) => {
    const { predicate, ...statement } = release(SNP)
    const app = { name: 'summaries', sha256: 'a9'.repeat(32) }
    const defect = findReleaseDefect({ ...statement, predicate: { ...predicate, app, ...change } })
    if (says === undefined) expect(defect).toBeUndefined()
    else expect(defect).toMatch(says)
  })

  it.each([
    ['kms', NO_CONTENT, true],
    ['room', BY_CONTRACT, true],
    ['room', undefined, true],
    ['room', NO_CONTENT, false],
    ['kms', BY_CONTRACT, false],
    ['inference', BY_CONTRACT, false],
  ] as const)(claim('T20', 'of role %s may declare %j: %s'), (role, dataUse, isFine) => {
    const { predicate, ...statement } = release(SNP)
    const declared = { ...predicate, role, ...(dataUse && { dataUse }) }
    expect(findReleaseDefect({ ...statement, predicate: declared }) === undefined).toBe(isFine)
  })

  it(claim(['T2', 'chain.policy'], 'covers a tuple of its program, whatever hardware that asks for'), () => {
    expect(covers(release(SNP), tuple({ ...SNP, chipIds: ['ee'.repeat(64)], vmpls: [0] }))).toBe(true)
    expect(covers(release(SNP), tuple(SNP, { notAfter: 9 }))).toBe(true)
    const both = { ...SNP, measurements: [M, N] }
    expect(covers(release(both), tuple(SNP))).toBe(true)
    const gpu = tuple(SNP, { allOf: [SNP, { family: 'nvidia' }], gpuBinding: { minGpus: 1, maxGpus: 1 } })
    expect(covers(release(SNP), gpu)).toBe(true)
  })

  it.each<[string, PolicyTuple]>([
    ['a program more', tuple({ ...SNP, measurements: [M, N] })],
    ['another program', tuple({ ...SNP, measurements: [N] })],
    ['any program', tuple({ family: 'sev-snp', hostData: [CONFIGURATION] })],
    ['another configuration', tuple({ ...SNP, hostData: ['ff'.repeat(32)] })],
    ['any configuration', tuple({ family: 'sev-snp', measurements: [M] })],
    ['another role', tuple(SNP, { role: 'kms' })],
    ['another kind of hardware', tuple(TDX)],
    ['the software TEE', tuple(SOFTWARE)],
  ])(claim(['T2', 'chain.policy'], 'does not cover a tuple that admits %s'), (_what, other) => {
    expect(covers(release(SNP), other)).toBe(false)
  })

  it('is revoked by its image, and by anything that evidence of it reports', () => {
    const statement = release({ family: 'nitro', pcrs: { 0: [M], 8: [N] } })
    for (const digest of [IMAGE, CONFIGURATION, M, N])
      expect(findRevoked(statement, ['00'.repeat(32), digest])).toBe(digest)
    expect(findRevoked(statement, ['ab'.repeat(32)])).toBeUndefined()
    expect(findRevoked({ digest: `sha256:${IMAGE}` }, [IMAGE])).toBe(IMAGE)
    expect(findRevoked([TDX], [CONFIGURATION])).toBe(CONFIGURATION)
    expect(findRevoked([`${CONFIGURATION}01`], [CONFIGURATION])).toBeUndefined()
  })

  it(claim('T2', 'is of the hardware, where a token stands beside it'), () => {
    const maa: Component = { family: 'azure-maa', launchMeasurements: [M] }
    const both = tuple(SNP, { allOf: [{ family: 'sev-snp' }, maa] })
    expect(covers(release(maa), both)).toBe(false)
    expect(covers(release(maa), tuple(maa))).toBe(true)
  })

  it('narrows a platform to its program and leaves the rest as it is', () => {
    const platform = {
      name: 'p',
      allOf: [{ family: 'sev-snp' as const, vmpls: [0] }, { family: 'nvidia' as const }],
      gpuBinding: { minGpus: 1, maxGpus: 2 },
    }
    expect(withRelease(platform, release(SNP))).toEqual({
      ...platform,
      allOf: [{ vmpls: [0], ...SNP }, { family: 'nvidia' }],
    })
    const azure = { name: 'a', allOf: [{ family: 'azure-cvm' as const, snp: { vmpls: [0] } }] }
    const own = release({ family: 'azure-cvm', snp: { measurements: [M] } })
    expect(withRelease(azure, own).allOf).toEqual([
      { family: 'azure-cvm', snp: { vmpls: [0], measurements: [M] } },
    ])
  })

  it('is one line for people', () => {
    expect(describeRelease(release(SNP))).toBe(
      `inference 1.2.3 (sev-snp: measurements ${M}, hostData ${CONFIGURATION})`,
    )
    const { predicate, ...statement } = release(SNP)
    const app = { name: 'summaries', sha256: 'a9'.repeat(32) }
    expect(describeRelease({ ...statement, predicate: { ...predicate, app } })).toBe(
      `inference 1.2.3 with app summaries ${app.sha256} (sev-snp: measurements ${M}, hostData ${CONFIGURATION})`,
    )
  })
})
