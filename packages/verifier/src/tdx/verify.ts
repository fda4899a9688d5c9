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
import type { TdxFacts } from './facts.ts'
import type { TdxPolicy } from './policy.ts'
import { ATTRIBUTE_CHECKS, BODY_CHECKS, TD_CHECKS } from './td-checks.ts'

/**
 * What stands behind the quote decides whether it is authentic, and is judged last all the same: a refusal names
 * what is wrong with the signed bytes before what somebody appended to them.
 */
const TRAILING = 'tdx.trailing'
const QUOTE_CHECKS = quoteChecks('tdx')

const AUTHENTIC: readonly Check<TdxFacts>[] = [
  ...QUOTE_CHECKS.filter(({ name }) => name !== TRAILING),
  ...BODY_CHECKS,
  ...documentChecks('tdx'),
  ...crlChecks('tdx'),
]

/** What the TD is comes before what is known of its platform, which may only be missing. */
const ACCEPTABLE: readonly Check<TdxFacts>[] = [
  ...TD_CHECKS,
  ...hardwareChecks('tdx'),
  ...tcbChecks('tdx'),
  ...ATTRIBUTE_CHECKS,
  ...QUOTE_CHECKS.filter(({ name }) => name === TRAILING),
]

/**
 * Judges a quote of an Intel TD: TDX 1.0 (version 4) or 1.5 (version 5).
 *
 * Collateral, under any names: the bundle of dcap-qvl or answers of Intel's PCS (TCB information and identity
 * of the quoting enclave with their signatures and issuer chain, CRLs of root and PCK authority), and the
 * event log of the TD. Without collateral a quote can be authentic and is not acceptable.
 *
 * @param options.roots other roots than that of Intel, for tests
 */
export function verifyTdx(
  input: EvidenceInput<TdxPolicy>,
  options: { roots?: readonly Certificate[] } = {},
): EvidenceVerdict {
  const facts: TdxFacts = startFacts(input, options.roots ?? [intelSgxRootCa()])
  const verdict = assess<TdxFacts>(
    {
      family: 'tdx',
      authentic: AUTHENTIC,
      acceptable: ACCEPTABLE,
      trustedParties: [
        'Intel (makes the processor and the TDX module, certifies the platform, says which are current)',
      ],
    },
    facts,
  )
  if (verdict.authentic) facts.pieces.json.remember()
  return {
    ...verdict,
    authentic: verdict.authentic && verdict.steps.find(({ name }) => name === TRAILING)?.status === 'pass',
    fields: { ...verdict.fields, signature_chain: signatureChainStatus('tdx', verdict.steps) },
  }
}
