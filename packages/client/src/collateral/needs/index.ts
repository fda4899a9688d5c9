import { Refusal } from '@sotto/verifier/checks'
import type { RecognisedPieces } from '@sotto/verifier/family'
import { collateralError } from '../errors.ts'
import type { Need } from '../types.ts'
import { azureNeeds } from './azure-cvm.ts'
import { intelNeeds } from './intel.ts'
import { nvidiaNeeds } from './nvidia.ts'
import { snpNeeds } from './snp.ts'

/**
 * What has to be fetched to judge this evidence, as it says itself; nothing about it is verified. Nitro
 * documents and Confidential Space tokens carry all they need.
 *
 * @param evidence with the pieces that came along: what is among them is not fetched again
 * @throws `EVIDENCE_MALFORMED`, `COLLATERAL_EVIDENCE`; errors of parsers
 */
export function collateralNeeds(pieces: RecognisedPieces): Need[] {
  try {
    return needsOf(pieces)
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    const { message, expected, found } = cause
    throw collateralError('COLLATERAL_EVIDENCE', message, {
      cause,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}

function needsOf({ family, evidence, collateral }: RecognisedPieces): Need[] {
  switch (family) {
    case 'sev-snp':
      return snpNeeds(evidence, collateral)
    case 'tdx':
    case 'sgx':
      return intelNeeds(family, evidence, collateral)
    case 'nvidia':
      return nvidiaNeeds(evidence, collateral)
    case 'azure-cvm':
      return azureNeeds(evidence, collateral)
    case 'nitro':
    case 'gcp-confidential-space':
    case 'azure-maa':
      return []
  }
}
