import { fromBase64Url, fromUtf8, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { certificatesOfPem } from '@sotto/protocol/x509'
import type { FakeAmd } from '@sotto/testkit/snp'
import { type FakeMaa, SNP_CLAIMS } from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { parseSnpReport, verifySevSnp } from '@sotto/verifier/snp'

/** A refusal in the form of the service. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

/** Claims that a token gets besides what the report says; a test changes them. */
export type TokenChange = Readonly<Record<string, unknown>>

/**
 * Azure Attestation as its API describes it, for SEV-SNP: verifies the report with our verifier under a vendor of the
 * test, compares its report data with the runtime data, and says in a token what it saw.
 */
export function attestSnp(body: Uint8Array, maa: FakeMaa, amd: FakeAmd, change: TokenChange = {}): string {
  const request = JSON.parse(fromUtf8(body)) as {
    report: string
    runtimeData: { data: string; dataType: string }
  }
  const sent = JSON.parse(fromUtf8(fromBase64Url(request.report))) as {
    SnpReport: string
    VcekCertChain: string
  }
  const evidence = fromBase64Url(sent.SnpReport)
  const chain = certificatesOfPem(fromUtf8(fromBase64Url(sent.VcekCertChain)))
  const collateral = Object.fromEntries(chain.map((der, n) => [`${n}`, der]))
  const policy = { requireRevocation: false, allowDebug: true }
  const verdict = verifySevSnp({ evidence, collateral, at: FAKE_NOW, policy }, amd.roots)
  if (!verdict.authentic) throw new Refusal(400, 'InvalidParameter')
  const runtimeData = fromBase64Url(request.runtimeData.data)
  const report = parseSnpReport(evidence)
  const isBound =
    toHex(report.REPORT_DATA) === toHex(crypto.sha256(runtimeData)) + '00'.repeat(32) &&
    request.runtimeData.dataType === 'JSON'
  if (!isBound) throw new Refusal(400, 'RuntimeDataMismatch')
  const claims = {
    ...SNP_CLAIMS,
    'x-ms-sevsnpvm-is-debuggable': (report.POLICY & (1n << 19n)) !== 0n,
    'x-ms-sevsnpvm-launchmeasurement': toHex(report.MEASUREMENT),
    'x-ms-sevsnpvm-hostdata': toHex(report.HOST_DATA),
    'x-ms-sevsnpvm-reportdata': toHex(report.REPORT_DATA),
    'x-ms-runtime': JSON.parse(fromUtf8(runtimeData)) as unknown,
    ...change,
  }
  return fromUtf8(maa.token({ claims }))
}
