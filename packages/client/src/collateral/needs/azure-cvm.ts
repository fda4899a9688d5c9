import { parseAzureEvidence, parseHclReport } from '@sotto/verifier/azure-cvm'
import type { Collateral } from '@sotto/verifier/family'
import { collateralError } from '../errors.ts'
import type { Need } from '../types.ts'
import { intelNeeds } from './intel.ts'
import { snpNeeds } from './snp.ts'

/**
 * What the hardware report inside evidence of an Azure confidential VM needs. The certificates of its
 * virtual TPM come with the evidence.
 *
 * @throws `EVIDENCE_MALFORMED`, `COLLATERAL_EVIDENCE`
 */
export function azureNeeds(evidence: Uint8Array, given: Collateral): Need[] {
  const { hclReport, vcek, tdQuote } = parseAzureEvidence(evidence)
  const { type, hardwareReport } = parseHclReport(hclReport)
  if (type === 'SNP') return snpNeeds(hardwareReport, { ...given, ...(vcek !== undefined && { vcek }) })
  if (tdQuote === undefined)
    throw collateralError('COLLATERAL_EVIDENCE', 'a TD report alone does not say which platform it is from', {
      expected: 'evidence with a quote of TDX',
    })
  return intelNeeds('tdx', tdQuote, given)
}
