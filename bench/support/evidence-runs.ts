import { verifyFamily } from '@sotto/verifier/appraisal'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import { verifyNvidia } from '@sotto/verifier/nvidia'
import { verifySevSnp } from '@sotto/verifier/snp'
import { provenSignatures } from '../../packages/protocol/src/x509/signature.ts'
import { familiarCertificates } from '../../packages/verifier/src/dcap/chains.ts'
import { familiarTexts } from '../../packages/verifier/src/dcap/json-reader.ts'
import { nvidiaRoots } from '../../packages/verifier/src/nvidia/roots.ts'
import { snpVendorRoots } from '../../packages/verifier/src/snp/roots.ts'
import type { EvidenceVector } from './evidence-vectors.ts'

/** What a verification is given, without where it came from. */
export type Evidence = Omit<EvidenceVector, 'folder'>

/**
 * A verification in a process that has met the same authorities and collateral before, as a server has. The quote
 * or report itself is never remembered.
 */
export function verifyAgain({ family, evidence, collateral, at }: Evidence): EvidenceVerdict {
  return verifyFamily(family, { evidence: evidence.slice(), collateral, at })
}

/** A verification of which nothing was seen before: the code is compiled, the pinned roots are read, and no more. */
export function verifyFirst({ family, evidence, collateral, at }: Evidence): EvidenceVerdict {
  provenSignatures.clear()
  familiarTexts.clear()
  familiarCertificates.length = 0
  const input = { evidence, collateral, at }
  // What these families remember is kept by the object that holds their roots.
  if (family === 'sev-snp') return verifySevSnp(input, { ...snpVendorRoots() })
  if (family === 'nvidia') return verifyNvidia(input, { ...nvidiaRoots() })
  return verifyFamily(family, input)
}
