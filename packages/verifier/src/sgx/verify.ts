import type { Certificate } from '@sotto/protocol/x509'
import type { Check } from '../checks/index.ts'
import { documentChecks } from '../dcap/collateral-checks.ts'
import { crlChecks } from '../dcap/crl-checks.ts'
import { startFacts } from '../dcap/facts.ts'
import { hardwareChecks } from '../dcap/platform-checks.ts'
import { quoteChecks } from '../dcap/quote-checks.ts'
import { intelSgxRootCa } from '../dcap/roots.ts'
import { signatureChainStatus } from '../dcap/signature-chain.ts'
import { tcbChecks } from '../dcap/tcb-checks.ts'
import { assess, type EvidenceInput, type EvidenceVerdict } from '../family/index.ts'
import { ATTRIBUTE_CHECKS, BODY_CHECKS, ENCLAVE_CHECKS } from './enclave-checks.ts'
import type { SgxFacts } from './facts.ts'
import type { SgxPolicy } from './policy.ts'

const AUTHENTIC: readonly Check<SgxFacts>[] = [
  ...quoteChecks('sgx'),
  ...BODY_CHECKS,
  ...documentChecks('sgx'),
  ...crlChecks('sgx'),
]

/** What the enclave is comes before what is known of its platform, which may only be missing. */
const ACCEPTABLE: readonly Check<SgxFacts>[] = [
  ...ENCLAVE_CHECKS,
  ...hardwareChecks('sgx'),
  ...tcbChecks('sgx'),
  ...ATTRIBUTE_CHECKS,
]

/**
 * Judges a quote of an Intel SGX enclave, versions 3 to 5.
 *
 * Collateral, under any names: the bundle of dcap-qvl or answers of Intel's PCS (TCB information and identity
 * of the quoting enclave with their signatures and issuer chain, CRLs of root and PCK authority). Without
 * collateral a quote can be authentic and is not acceptable.
 *
 * @param options.roots other roots than that of Intel, for tests
 */
export function verifySgx(
  input: EvidenceInput<SgxPolicy>,
  options: { roots?: readonly Certificate[] } = {},
): EvidenceVerdict {
  const facts: SgxFacts = startFacts(input, options.roots ?? [intelSgxRootCa()])
  const verdict = assess<SgxFacts>(
    {
      family: 'sgx',
      authentic: AUTHENTIC,
      acceptable: ACCEPTABLE,
      trustedParties: ['Intel (makes the processor, certifies the platform, says which are current)'],
    },
    facts,
  )
  if (verdict.authentic) facts.pieces.json.remember()
  return {
    ...verdict,
    fields: { ...verdict.fields, signature_chain: signatureChainStatus('sgx', verdict.steps) },
  }
}
