import { crypto } from '@sotto/protocol/crypto-backend'
import { concat } from '@sotto/protocol/bytes'
import { bundleBytes, createFakeIntel } from '@sotto/testkit/dcap'
import { fakeAmd } from '@sotto/testkit/snp'
import {
  fakeAzureEvidence,
  fakeBoundData,
  type FakeHclOptions,
  fakeHclReport,
  type FakeQuoteOptions,
  fakeRuntimeData,
  fakeVtpm,
  fakeVtpmAuthority,
} from '@sotto/testkit/tpm'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { type AzureCvmPolicy, verifyAzureCvm } from '@sotto/verifier/azure-cvm'
import { parseTdQuote } from '@sotto/verifier/tdx'
import type { EvidenceInput, EvidenceVerdict, Reason } from '@sotto/verifier/family'

/** One of each for all tests of a file: their keys cost more than the tests. */
export const [amd, intel, microsoft, vtpm] = [fakeAmd(), createFakeIntel(), fakeVtpmAuthority(), fakeVtpm()]
export const chip = amd.chip()
export const roots = { snp: amd.roots, tdx: intel.roots, vtpm: microsoft.root }
/** The measurement of every report of the fake chip: here the paravisor's. */
export const paravisor = { snp: { measurements: ['01'.repeat(48)] } }
export const nonce = crypto.sha384(Uint8Array.of(7))

/** What a virtual machine says where that is not the usual. */
export interface Wanted {
  runtimeData?: Uint8Array
  configuration?: Record<string, unknown>
  userData?: Uint8Array
  more?: Record<string, unknown>
  hcl?: FakeHclOptions
  quote?: FakeQuoteOptions
  version?: 1 | 2
  members?: Record<string, Uint8Array>
  /** Of the hardware report. */
  report?: Parameters<typeof chip.report>[0]
  reportData?: Uint8Array
}

/** Evidence of a virtual machine on SEV-SNP. */
export function snpEvidence(wanted: Wanted = {}): Uint8Array {
  const runtimeData = wanted.runtimeData ?? fakeRuntimeData(vtpm.key, wanted)
  const reportData = wanted.reportData ?? fakeBoundData(runtimeData, wanted.hcl?.hash)
  const hcl = fakeHclReport(chip.report({ reportData, ...wanted.report }), runtimeData, wanted.hcl)
  return fakeAzureEvidence(
    hcl,
    vtpm.quote(nonce, wanted.quote),
    wanted.members ?? { vcek: chip.leaf.der },
    wanted.version,
  )
}

/** Evidence of a virtual machine on TDX, and what its parts are made of. */
export function tdxEvidence(
  change: { report?: (report: Uint8Array) => void; quotedData?: Uint8Array } = {},
): Uint8Array {
  const runtimeData = fakeRuntimeData(vtpm.key)
  const bound = fakeBoundData(runtimeData)
  const tdQuote = intel.tdQuote({ REPORTDATA: change.quotedData ?? bound })
  const report = tdReportOf(tdQuote, bound)
  change.report?.(report)
  const hcl = fakeHclReport(report, runtimeData, { type: 'TDX' })
  return fakeAzureEvidence(hcl, vtpm.quote(nonce), { td_quote: tdQuote })
}

/** TDREPORT_STRUCT that a quote was made of. */
function tdReportOf(tdQuote: Uint8Array, reportData: Uint8Array): Uint8Array {
  const { body } = parseTdQuote(tdQuote).quote
  const report = new Uint8Array(1024)
  report[0] = 0x81
  report.set(body.subarray(0, 120), 264)
  report.set(body.subarray(120, 520), 512)
  report.set(crypto.sha384(report.subarray(256, 495)), 32)
  report.set(crypto.sha384(report.subarray(512)), 80)
  report.set(reportData, 128)
  return report
}

/** Judges evidence under the fake roots; collateral is that of the fake AMD unless given. */
export function judge(
  evidence: Uint8Array,
  input: Partial<EvidenceInput<AzureCvmPolicy>> = {},
): EvidenceVerdict {
  const collateral = { chain: chip.collateral['chain']! }
  return verifyAzureCvm({ collateral, at: FAKE_NOW, expectedReportData: nonce, ...input, evidence }, roots)
}

/** Collateral of the fake Intel. */
export const intelCollateral = bundleBytes(intel.bundle('tdx'))

/** Classes of all steps that failed, with the step. */
export function failures({ steps }: EvidenceVerdict): (readonly [name: string, of: Reason | undefined])[] {
  return steps.filter(({ status }) => status === 'fail').map((step) => [step.name, step.class] as const)
}

/** Bytes with one bit changed. */
export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const at = bit >> 3
  return concat(bytes.subarray(0, at), Uint8Array.of(bytes[at]! ^ (1 << (bit & 7))), bytes.subarray(at + 1))
}
