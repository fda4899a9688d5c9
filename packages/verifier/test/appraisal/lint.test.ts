import { describe, expect, it } from 'vitest'
import { explainPolicy, lintPolicy, parseEvidencePolicy } from '@sotto/verifier/appraisal'

const NOW = 1_800_000_000
const A = 'a'.repeat(96)
const B = 'b'.repeat(96)
const HOST = 'c'.repeat(64)
const CHIP = 'd'.repeat(128)
const SNP = {
  family: 'sev-snp',
  measurements: [A],
  hostData: [HOST],
  chipIds: [CHIP],
  minimumTcb: { genoa: { snp: 24 } },
  requireAliasCheck: true,
}

const policy = (anyOf: object[], changes: object = {}): object => ({
  version: 1,
  name: 'fleet',
  anyOf,
  freshness: 'nonce',
  evidenceMaxAgeSeconds: 3600,
  collateralMaxAgeSeconds: 2_592_000,
  revocationMaxAgeSeconds: 604_800,
  ...changes,
})
const of = (changes: object, tuple: object = {}): object =>
  policy([{ name: 'a', allOf: [{ ...SNP, ...changes }], ...tuple }])
const without = (name: keyof typeof SNP): object => {
  const { [name]: _, ...rest } = SNP
  return policy([{ name: 'a', allOf: [rest] }])
}
const td = (members: object): object =>
  policy([{ name: 'a', allOf: [{ family: 'tdx', mrConfigId: [A], ppids: ['e'.repeat(32)], ...members }] }])
const azure = (members: object): object =>
  policy([{ name: 'a', allOf: [{ family: 'azure-cvm', ...members }] }])
const PINNED = { snp: { measurements: [A], minimumTcb: { genoa: { snp: 1 } }, requireAliasCheck: true } }
const { measurements: _, ...UNMEASURED } = PINNED.snp
const findings = (document: object | string): [string, string][] =>
  lintPolicy(document, NOW).map(({ code, path }) => [code, path])

describe('lint', () => {
  it('has nothing to say about a policy that leaves nothing open', () => {
    expect(findings(of({}))).toEqual([])
  })

  it.each<[string, object, [string, string][]]>([
    ['every program', without('measurements'), [['any-program', 'a.sev-snp']]],
    ['every configuration', without('hostData'), [['any-configuration', 'a.sev-snp']]],
    ['every chip', without('chipIds'), [['any-chip', 'a.sev-snp']]],
    ['every firmware', without('minimumTcb'), [['no-tcb-floor', 'a.sev-snp.minimumTcb']]],
    ['debug mode', of({ allowDebug: true }), [['debug', 'a.sev-snp.allowDebug']]],
    ['migration', of({ allowMigrationAgent: true }), [['migration', 'a.sev-snp.allowMigrationAgent']]],
    ['another VMPL', of({ vmpls: [0, 1] }), [['vmpl', 'a.sev-snp.vmpls']]],
    [
      'other statuses than UpToDate',
      policy([
        {
          name: 'a',
          allOf: [
            {
              family: 'tdx',
              mrTd: [A],
              rtmr1: [A],
              mrConfigId: [A],
              ppids: ['e'.repeat(32)],
              acceptedTcbStatuses: ['UpToDate', 'OutOfDate'],
            },
          ],
        },
      ]),
      [['tcb-status', 'a.tdx.acceptedTcbStatuses']],
    ],
    [
      'an entry that has ended',
      of({ measurements: [A, { value: B, notAfter: NOW - 1 }] }),
      [['ended', 'a.sev-snp.measurements[1]']],
    ],
    [
      'a list that has ended',
      of({ measurements: [{ value: B, notAfter: NOW - 1 }] }),
      [['ended', 'a.sev-snp.measurements']],
    ],
    ['a policy that has ended', of({}, { notAfter: NOW - 1 }), [['ended', 'anyOf']]],
    [
      'a tuple that has ended',
      policy([
        { name: 'a', allOf: [SNP], notAfter: NOW - 1 },
        { name: 'b', allOf: [{ ...SNP, measurements: [B] }] },
      ]),
      [['ended', 'a']],
    ],
    [
      'a tuple that another one covers',
      policy([
        { name: 'a', allOf: [{ ...SNP, measurements: [A, B] }] },
        { name: 'b', allOf: [{ ...SNP, requireAliasCheck: true }] },
      ]),
      [['unreachable', 'b']],
    ],
    [
      'the second of two tuples that mean the same',
      policy([
        { name: 'a', allOf: [{ ...SNP, allowDebug: false }] },
        { name: 'b', allOf: [SNP] },
      ]),
      [['unreachable', 'b']],
    ],
    [
      'revocation of any age',
      { ...of({ requireRevocation: true }), revocationMaxAgeSeconds: undefined },
      [['no-revocation-age', 'revocationMaxAgeSeconds']],
    ],
    [
      'revocation that may be left out',
      { ...of({}), revocationMaxAgeSeconds: undefined },
      [
        ['no-revocation-age', 'revocationMaxAgeSeconds'],
        ['no-revocation', 'a.sev-snp'],
      ],
    ],
    [
      'revocation of GPUs that may be left out',
      {
        ...policy([
          {
            name: 'a',
            allOf: [
              { ...SNP, requireRevocation: true },
              { family: 'nvidia', devices: ['x'] },
            ],
            gpuBinding: { minGpus: 1, maxGpus: 8 },
          },
        ]),
        revocationMaxAgeSeconds: undefined,
      },
      [
        ['no-revocation-age', 'revocationMaxAgeSeconds'],
        ['no-revocation', 'a.nvidia'],
      ],
    ],
    ['floors that name nothing', of({ minimumTcb: {} }), [['no-tcb-floor', 'a.sev-snp.minimumTcb']]],
    [
      'floors that floor nothing',
      of({ minimumTcb: { milan: {}, genoa: { bl: 0, snp: 0 }, turin: { bl: 0, snp: 1 } } }),
      [
        ['no-tcb-floor', 'a.sev-snp.minimumTcb.genoa'],
        ['no-tcb-floor', 'a.sev-snp.minimumTcb.milan'],
      ],
    ],
    ['RTMR3 without what is below it', td({ mrTd: [A], rtmr3: [A] }), [['any-program', 'a.tdx.rtmr3']]],
    ['RTMR3 beside a register of the boot', td({ mrTd: [A], rtmr2: [A], rtmr3: [A] }), []],
    [
      'a TD of which nothing is pinned',
      td({ mrConfigId: [A] }),
      [
        ['any-firmware', 'a.tdx'],
        ['any-program', 'a.tdx'],
      ],
    ],
    ['PCRs of nobody', azure({ pcrs: { 4: [HOST] } }), [['malformed', 'policy.anyOf[0].allOf[0]']]],
    ['an Azure machine without PCRs', azure({ ...PINNED }), [['any-program', 'a.azure-cvm']]],
    [
      'PCRs that the guest resets or extends',
      azure({ ...PINNED, pcrs: { 11: [HOST], 16: [HOST], 23: [HOST] } }),
      [['any-program', 'a.azure-cvm.pcrs']],
    ],
    ['an Azure machine that is pinned', azure({ ...PINNED, pcrs: { 4: [HOST], 23: [HOST] } }), []],
    [
      'a virtual TPM that Microsoft certifies',
      azure({ requireAkCertificate: true, pcrs: { 7: [HOST] }, snp: UNMEASURED }),
      [],
    ],
    [
      'a software TEE without measurements',
      policy([{ name: 'a', allOf: [{ family: 'software', roots: [HOST], hostData: [HOST] }] }]),
      [
        ['software', 'anyOf'],
        ['any-program', 'a.software'],
      ],
    ],
    [
      'collateral of any age',
      {
        ...policy([
          {
            name: 'a',
            allOf: [{ family: 'tdx', mrTd: [A], rtmr1: [A], mrConfigId: [A], ppids: ['e'.repeat(32)] }],
          },
        ]),
        collateralMaxAgeSeconds: undefined,
      },
      [['no-collateral-age', 'collateralMaxAgeSeconds']],
    ],
    ['hardware without a clock', { ...of({}), freshness: 'age' }, [['freshness', 'freshness']]],
    [
      'a software root',
      policy([
        { name: 'a', allOf: [{ family: 'software', roots: [HOST], measurements: [A], hostData: [HOST] }] },
      ]),
      [['software', 'anyOf']],
    ],
    [
      'GPUs without encryption between them',
      policy([
        {
          name: 'a',
          allOf: [SNP, { family: 'nvidia', devices: ['x'], allowProtectedPcie: true }],
          gpuBinding: { minGpus: 1, maxGpus: 8 },
        },
      ]),
      [['nvlink', 'a.nvidia.allowProtectedPcie']],
    ],
    ['a policy that is none', policy([]), [['malformed', 'policy.anyOf']]],
    [
      'a duplicate',
      of({ measurements: [A, A] }),
      [['malformed', 'policy.anyOf[0].allOf[0].measurements[1]']],
    ],
  ])('warns of %s', (_, document, expected) => {
    expect(findings(document)).toEqual(expected)
  })

  it('says in words what is wrong with a malformed policy', () => {
    expect(lintPolicy('{', NOW)).toEqual([
      {
        level: 'error',
        code: 'malformed',
        path: 'policy',
        message: 'evidence policy is malformed: document is not JSON',
      },
    ])
    expect(lintPolicy(of({ vmpls: [4] }), NOW)[0]!.message).toBe(
      'evidence policy is malformed: policy.anyOf[0].allOf[0].vmpls[0] is malformed: expected a whole number from 0 to 3, found 4',
    )
  })
})

describe('an explanation', () => {
  it('says what a policy admits, in plain sentences', () => {
    const document = policy([
      {
        name: 'upgrade',
        notAfter: 1_830_297_600,
        allOf: [
          { ...SNP, measurements: [{ value: A, notAfter: 1_798_761_600 }, B] },
          { family: 'nvidia', minimumDriverVersion: '550.90.07' },
        ],
        gpuBinding: { minGpus: 1, maxGpus: 8 },
      },
    ])
    expect(explainPolicy(parseEvidencePolicy(document))).toEqual([
      'Policy fleet admits evidence that satisfies its one tuple as a whole.',
      'Evidence must be bound to a value handed out for this check, at most 1 h ago.',
      'Collateral must be at most 30 d old.',
      'Revocation lists must be there and at most 7 d old; those of roots as old as they say themselves.',
      'Tuple upgrade until 2028-01-01T00:00:00Z: AMD SEV-SNP and NVIDIA GPU.',
      '  AMD SEV-SNP: VMPL is 0.',
      '  AMD SEV-SNP: demands a check for aliased memory at boot (BadRAM).',
      '  AMD SEV-SNP: MEASUREMENT is one of aaaaaaaaaaaaaaaa… until 2027-01-01T00:00:00Z, bbbbbbbbbbbbbbbb….',
      '  AMD SEV-SNP: HOST_DATA is cccccccccccccccc….',
      '  AMD SEV-SNP: product genoa: SNP firmware is at least 24.',
      '  AMD SEV-SNP: refuses every other product.',
      '  AMD SEV-SNP: CHIP_ID is dddddddddddddddd….',
      '  AMD SEV-SNP: refuses guests in debug mode, which the hypervisor can read; guests whose secrets a migration agent can move to another machine; firmware that is not committed and can be replaced by an older one.',
      '  AMD SEV-SNP: bound through REPORT_DATA.',
      '  NVIDIA GPU: architecture is one of hopper, blackwell, ls10.',
      '  NVIDIA GPU: device may be anything.',
      '  NVIDIA GPU: driver is at least 550.90.07.',
      '  NVIDIA GPU: refuses GPUs that talk over NVLink without encryption (Protected PCIe); devices in debug mode, whose memory tools can read.',
      '  NVIDIA GPU: bound through nonce of the SPDM request, or eat_nonce of the token.',
      '  The evidence of the processor commits to digest and count of the evidence of 1 to 8 GPUs.',
      '  One trusts AMD (signs the report); NVIDIA (makes and certifies the device, signs its reference values).',
    ])
  })

  it('says first of a software TEE that it hides nothing', () => {
    const document = policy([{ name: 'a', allOf: [{ family: 'software', roots: [HOST] }] }])
    expect(explainPolicy(parseEvidencePolicy(document))[1]).toBe(
      'It admits a software TEE: nothing is hidden from the owner of the machine it runs on.',
    )
  })
})
