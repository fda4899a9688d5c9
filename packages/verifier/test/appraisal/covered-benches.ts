import { fromHex, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { bundleBytes, createFakeIntel } from '@sotto/testkit/dcap'
import { fakeNitro } from '@sotto/testkit/nitro'
import { fakeAmd, fakeUvmSigner } from '@sotto/testkit/snp'
import { fakeConfidentialSpace, fakeMaa, SNP_CLAIMS } from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { PolicyFamily } from '@sotto/verifier/appraisal'
import type { EvidenceInput } from '@sotto/verifier/family'
import { verifyConfidentialSpace } from '@sotto/verifier/gcp'
import { verifyAzureMaa } from '@sotto/verifier/maa'
import { verifyNitro } from '@sotto/verifier/nitro'
import { verifySevSnp } from '@sotto/verifier/snp'
import { verifyTdx } from '@sotto/verifier/tdx'

/** HOST_DATA that SEV-SNP refuses unless a policy names it. */
export const ALLOW_ALL_CCE_POLICY = '73973b78d70cc68353426de188db5dfc57e5b766e399935fb73a61127ea26d20'

/** One family under fake authorities: evidence, and values for members of its policy. */
export interface Bench {
  evidence: readonly (() => EvidenceInput<object>)[]
  verify(input: EvidenceInput<object>): { acceptable: boolean }
  pool: Readonly<Record<string, readonly unknown[]>>
}

/** Equal bytes. */
export const hex = (length: number, byte: number): string => toHex(new Uint8Array(length).fill(byte))
const input = (
  evidence: Uint8Array,
  collateral: EvidenceInput<object>['collateral'],
  more: object = {},
): EvidenceInput<object> => ({
  evidence,
  collateral,
  at: FAKE_NOW,
  ...more,
})

function snp(): Bench {
  const microsoft = fakeUvmSigner()
  const amd = fakeAmd(microsoft.root)
  const chip = amd.chip()
  const endorsed = (feed?: string): EvidenceInput<object> =>
    input(chip.report(), {
      ...chip.collateral,
      endorsement: microsoft.endorse(feed === undefined ? {} : { feed }),
    })
  return {
    verify: (given) => verifySevSnp(given, amd.roots),
    evidence: [
      () => input(chip.report(), chip.collateral),
      () =>
        input(
          chip.report({
            hostData: fromHex(ALLOW_ALL_CCE_POLICY),
          }),
          chip.collateral,
        ),
      () => input(chip.report({ vmpl: 1, guestSvn: 3 }), chip.collateral),
      () => endorsed(),
      () => endorsed('other'),
      () => endorsed('any'),
    ],
    pool: {
      hostData: [[ALLOW_ALL_CCE_POLICY], [hex(32, 2)], [hex(32, 2), ALLOW_ALL_CCE_POLICY]],
      measurements: [[hex(48, 1)], [hex(48, 9)]],
      uvm: [
        {},
        { feed: 'other' },
        { feed: 'any' },
        { feed: 'ContainerPlat-AMD-UVM', minimumSvn: 0 },
        { minimumSvn: 900 },
      ],
      vmpls: [[0], [1], [0, 1]],
      minimumGuestSvn: [0, 2],
      minimumTcb: [
        {},
        { milan: {} },
        { milan: { fmc: 0 } },
        { milan: { bl: 3 } },
        { genoa: {} },
        { milan: {}, genoa: {} },
      ],
      minimumAbi: [
        { major: 0, minor: 0 },
        { major: 1, minor: 0 },
      ],
      requireGuest: [[], ['smt-off']],
      requireAliasCheck: [true, false],
      requireRevocation: [true, false],
    },
  }
}

function tdx(): Bench {
  const intel = createFakeIntel()
  const collateral = bundleBytes(intel.bundle('tdx'))
  const old = bundleBytes(
    intel.bundle('tdx', { tcbInfo: { levels: [{ status: 'OutOfDate', advisoryIDs: ['INTEL-SA-1'] }] } }),
  )
  const service = intel.tdQuote({ MRSERVICETD: new Uint8Array(48).fill(1) }, { version: 5 })
  return {
    verify: (given) => verifyTdx(given, { roots: intel.roots }),
    evidence: [
      () => input(intel.tdQuote(), collateral),
      () => input(intel.tdQuote({ MRTD: new Uint8Array(48).fill(1) }), old),
      () => input(service, collateral),
    ],
    pool: {
      mrTd: [[hex(48, 0)], [hex(48, 1)], [hex(48, 0), hex(48, 1)]],
      mrServiceTd: [[hex(48, 0)], [hex(48, 1)], [hex(48, 0), hex(48, 1)]],
      acceptedTcbStatuses: [['UpToDate'], ['OutOfDate'], ['UpToDate', 'OutOfDate']],
      acceptedAdvisories: [[], ['INTEL-SA-1'], ['INTEL-SA-2']],
      minimumTcbEvaluationDataNumber: [0, 17, 18],
      ppids: [[hex(16, 1)]],
      requireEventLog: [true, false],
    },
  }
}

function nitro(): Bench {
  const amazon = fakeNitro()
  return {
    verify: (given) => verifyNitro(given, { roots: amazon.roots }),
    evidence: [
      () => input(amazon.document(), {}),
      () => input(amazon.document({ pcrs: { 0: new Uint8Array(48).fill(1) } } as never), {}),
    ],
    pool: {
      pcrs: [{}, { '0': [hex(48, 1)] }, { '0': [hex(48, 1), hex(48, 2)] }, { '5': [hex(48, 0)] }],
      maxAgeSeconds: [1, 100_000],
      allowDebug: [true, false],
      nonces: [['aa']],
    },
  }
}

function maa(): Bench {
  const microsoft = fakeMaa()
  const elsewhere = fakeMaa('https://attest.example')
  const given = (who: typeof microsoft, claims: object, trustKeySets: boolean): EvidenceInput<object> =>
    input(who.token({ claims: claims as never }), { keys: who.jwks() }, { trustKeySets })
  return {
    verify: verifyAzureMaa,
    evidence: [
      () => given(microsoft, {}, true),
      () => given(microsoft, {}, false),
      () => given(microsoft, SNP_CLAIMS, true),
      () => given(elsewhere, {}, true),
    ],
    pool: {
      issuers: [['https://attest.example'], ['https://fake.eus.attest.azure.net']],
      signingKeys: [[microsoft.key.spki, elsewhere.key.spki].map((spki) => toHex(crypto.sha256(spki)))],
      minimumSvn: [0, 1],
      tees: [['sgx'], ['sgx', 'sevsnpvm', 'tdxvm']],
      vmpls: [[0], [0, 1]],
      tcbStatuses: [['UpToDate']],
      clockSkewSeconds: [0, 10],
      maxAgeSeconds: [1, 100_000],
    },
  }
}

function gcp(): Bench {
  const google = fakeConfidentialSpace()
  return {
    verify: (given) => verifyConfidentialSpace(given, { roots: google.roots }),
    evidence: [
      () => input(google.token(), {}),
      () => input(google.token({ claims: { swversion: ['preview'] } }), {}),
      () => input(google.token({ claims: { hwmodel: 'GCP_AMD_SEV' } }), {}),
    ],
    pool: {
      minimumSwversion: [0, 1],
      hwmodels: [['GCP_INTEL_TDX'], ['GCP_AMD_SEV'], ['GCP_AMD_SEV_SNP', 'GCP_INTEL_TDX']],
      supportAttributes: [[], ['STABLE'], ['USABLE', 'STABLE'], ['LATEST']],
      tcbStatuses: [['UpToDate']],
      clockSkewSeconds: [0, 10],
      maxAgeSeconds: [1, 100_000],
    },
  }
}

/** By family. */
export const BENCHES = {
  'sev-snp': snp,
  tdx,
  nitro,
  'azure-maa': maa,
  'gcp-confidential-space': gcp,
} satisfies Partial<Record<PolicyFamily, () => Bench>>
