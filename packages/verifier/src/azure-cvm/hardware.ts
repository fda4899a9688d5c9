import type { EvidenceVerdict, FieldObject, FieldValue } from '../family/index.ts'
import { verifySevSnp } from '../snp/index.ts'
import { verifyTdx } from '../tdx/index.ts'
import type { AzureFacts } from './facts.ts'
import type { AzureRoots } from './roots.ts'

/** Fields of the inner verdicts that stand in the outer one too. */
const SNP_FIELDS = [
  'version',
  'vmpl',
  'policy',
  'measurement',
  'reported_tcb',
  'chip_id',
  'product',
  'signature',
]
const TDX_FIELDS = ['mrtd', 'td_attributes', 'fmspc', 'report_data']

/**
 * Azure launches every TD without SEPT_VE_DISABLE: the paravisor at the highest level, not the guest's
 * kernel, takes the exceptions that the host can cause. A policy can demand the bit all the same.
 */
const UNDER_PARAVISOR = { allowSeptVe: true }

/**
 * Judges what the hardware signed, bound to the runtime data: the SNP report inside the HCL report, or
 * the quote made of its TDREPORT. Undefined where there is nothing to judge, which a step of its own says.
 */
export function verifyHardware(facts: AzureFacts, roots: AzureRoots): EvidenceVerdict | undefined {
  const { hcl, evidence, input, pieces, policy, boundData } = facts
  if (hcl === undefined || evidence === undefined) return undefined
  const common = { at: input.at, ...(boundData !== undefined && { expectedReportData: boundData }) }
  if (hcl.type === 'SNP') {
    const { vcek } = evidence
    // Where the evidence brings one, it must be genuine: another beside it does not make up for that.
    const collateral = {
      ...pieces.hardware,
      ...(vcek === undefined ? pieces.chips : { 'vcek of the evidence': vcek }),
    }
    const verdict = verifySevSnp(
      { ...common, evidence: hcl.hardwareReport, collateral, ...(policy.snp && { policy: policy.snp }) },
      roots.snp,
    )
    facts.fields['snp'] = pick(verdict.fields, SNP_FIELDS)
    return verdict
  }
  if (evidence.tdQuote === undefined) return undefined
  const verdict = verifyTdx(
    {
      ...common,
      evidence: evidence.tdQuote,
      collateral: { ...pieces.hardware, ...pieces.chips },
      policy: { ...UNDER_PARAVISOR, ...policy.tdx },
    },
    roots.tdx === undefined ? {} : { roots: roots.tdx },
  )
  const { report_data: quoted, ...fields } = pick(verdict.fields, TDX_FIELDS)
  facts.fields['tdx'] = {
    ...fields,
    ...(quoted !== undefined && { quote_report_data: quoted }),
    tdreport_matches_quote: facts.isQuoted ?? false,
  }
  return verdict
}

function pick(fields: FieldObject, names: readonly string[]): FieldObject {
  const picked: Record<string, FieldValue> = {}
  for (const name of names) if (fields[name] !== undefined) picked[name] = fields[name]
  return picked
}
