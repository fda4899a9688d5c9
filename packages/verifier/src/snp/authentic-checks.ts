import { equalBytes, toHex } from '@sotto/protocol/bytes'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { verifyBinding } from './binding.ts'
import { CERTIFICATE_CHECKS, CURRENCY_CHECKS } from './certificate-checks.ts'
import type { SnpFacts } from './facts.ts'
import { decodeKeyFlags, reportFields, uvmFields } from './fields.ts'
import { productOfCpuid } from './product.ts'
import { hasKnownAlgorithm, parseSnpReport } from './report.ts'
import { hasSignatureInRange, verifyReportSignature } from './signature.ts'
import { decodeTcb, tcbText } from './tcb.ts'
import { verifyUvmEndorsement } from './uvm.ts'

const REPORT_DATA_BYTES = 64
/** Made once: a stack trace takes longer than the check. */
const NOTHING_EXPECTED = new Skip('nothing to compare with was given')
const NO_ENDORSEMENT = new Skip('no endorsement was given')

const REPORT_CHECK: Check<SnpFacts> = {
  name: 'sev-snp.report',
  title: 'The report has the layout of the specification, version 2 to 5, and nothing else in it',
  needs: [],
  class: 'malformed',
  run({ input: { evidence }, fields }) {
    if (!hasKnownAlgorithm(evidence))
      throw new Refusal(
        'report is signed with another algorithm',
        'ECDSA P-384 with SHA-384',
        undefined,
        'algorithm',
      )
    const report = parseSnpReport(evidence)
    Object.assign(fields, reportFields(report))
    const product = report.CPUID && productOfCpuid(report.CPUID)
    if (product !== undefined) {
      fields['product'] = product
      fields['tcb'] = { ...decodeTcb(product, report.REPORTED_TCB) }
    }
    return { adds: { report }, found: `version ${report.VERSION}` }
  },
}

const SIGNATURE_CHECKS: readonly Check<SnpFacts>[] = [
  {
    name: 'sev-snp.signature',
    title: 'The report is signed with that key',
    needs: ['report', 'key'],
    class: 'signature',
    run({ report, key, fields }) {
      fields['signature'] = 'invalid'
      if (!hasSignatureInRange(report.signature)) throw new Refusal('R or S is not between 0 and the order')
      if (!verifyReportSignature(report, key.certificate.publicKey))
        throw new Refusal('the signature does not cover this report')
      fields['signature'] = 'valid'
    },
  },
  {
    name: 'sev-snp.signing-key',
    title: 'The report says that it is signed with a key of this kind',
    needs: ['report', 'key'],
    class: 'certificate-binding',
    run({ report, key }) {
      const { signingKey, maskChipKey } = decodeKeyFlags(report)
      // The firmware then puts zeros in the place of the signature.
      if (maskChipKey === 1) throw new Refusal('MASK_CHIP_KEY is 1', '0', '1', 'signature')
      if (signingKey === undefined)
        throw new Refusal('SIGNING_KEY is reserved', 'VCEK or VLEK', undefined, 'malformed')
      if (signingKey !== key.kind) throw new Refusal('SIGNING_KEY is of another kind', key.kind, signingKey)
    },
  },
  {
    name: 'sev-snp.certificate-binding',
    title: 'The certificate is of this chip and of the firmware that the report names',
    needs: ['report', 'key', 'chain'],
    class: 'certificate-binding',
    run({ report, key, chain: { product }, fields }) {
      const tcb = decodeTcb(product, report.REPORTED_TCB)
      fields['tcb'] = { ...tcb }
      verifyBinding(report, key, product)
      return { found: `${product}, ${tcbText(tcb)}` }
    },
  },
]

const STATEMENT_CHECKS: readonly Check<SnpFacts>[] = [
  {
    name: 'sev-snp.uvm-endorsement',
    title: 'The endorsement that was given is Microsoft’s and about this measurement',
    needs: ['report'],
    class: 'collateral-invalid',
    maySkip: true,
    run({ report, collateral: { endorsements }, roots, input: { at }, fields }) {
      const [message, ...more] = endorsements
      if (message === undefined) throw NO_ENDORSEMENT
      if (more.length > 0) throw new Refusal('several endorsements were given', '1', `${endorsements.length}`)
      const uvm = verifyUvmEndorsement(message, roots.uvmRoot, at)
      fields['uvm_endorsement'] = uvmFields(uvm)
      const measurement = toHex(report.MEASUREMENT)
      if (uvm.launchMeasurement !== measurement)
        throw new Refusal('the endorsement is of another measurement', measurement, uvm.launchMeasurement)
      return { adds: { uvm }, found: `${uvm.feed} ${uvm.svn}` }
    },
  },
  {
    name: 'sev-snp.report-data',
    title: 'The report is bound to the expected data',
    needs: ['report'],
    class: 'binding',
    maySkip: true,
    run({ report, input: { expectedReportData: expected } }) {
      if (expected === undefined) throw NOTHING_EXPECTED
      // An empty or short expectation must never match a part of the field.
      if (expected.length !== REPORT_DATA_BYTES)
        throw new Refusal(
          'the expectation has another length',
          `${REPORT_DATA_BYTES} bytes`,
          `${expected.length}`,
        )
      if (!equalBytes(report.REPORT_DATA, expected))
        throw new Refusal(
          'REPORT_DATA is bound to something else',
          toHex(expected),
          toHex(report.REPORT_DATA),
        )
      return { found: toHex(expected) }
    },
  },
]

/** Whether the report is authentic, in the order in which a refusal names its reason. */
export const AUTHENTIC_CHECKS: readonly Check<SnpFacts>[] = [
  REPORT_CHECK,
  ...CERTIFICATE_CHECKS,
  ...SIGNATURE_CHECKS,
  ...CURRENCY_CHECKS,
  ...STATEMENT_CHECKS,
]
