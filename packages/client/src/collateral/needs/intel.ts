import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import { type Certificate, certificatesOfPem, parseCertificate } from '@sotto/protocol/x509'
import { parsePckExtension, parseQuote } from '@sotto/verifier/dcap'
import type { Collateral } from '@sotto/verifier/family'
import { collateralError } from '../errors.ts'
import type { Need } from '../types.ts'

/** Certification Data Type: the PCK certificate chain, PEM. */
const PCK_CHAIN = 5

/** Common names of the two authorities that issue PCK certificates (Intel, PCK certificate profile, section 1.3). */
const AUTHORITIES: Readonly<Record<string, 'processor' | 'platform'>> = {
  'Intel SGX PCK Processor CA': 'processor',
  'Intel SGX PCK Platform CA': 'platform',
}

/**
 * What a quote of SGX or TDX needs: TCB information of its kind of platform, the identity of the quoting
 * enclave, and what Intel revoked. Which platform, its PCK certificate says.
 *
 * @throws `EVIDENCE_MALFORMED`, `COLLATERAL_EVIDENCE`
 */
export function intelNeeds(tee: 'sgx' | 'tdx', evidence: Uint8Array, given: Collateral): Need[] {
  const [pck, authority] = pckChain(evidence, given)
  const issuer = authority?.commonName ?? ''
  const ca = Object.hasOwn(AUTHORITIES, issuer) ? AUTHORITIES[issuer]! : undefined
  if (pck === undefined || ca === undefined)
    throw collateralError('COLLATERAL_EVIDENCE', 'the quote does not say which platform it is from', {
      expected: `PCK certificate of ${Object.keys(AUTHORITIES).join(' or ')}`,
      hint: 'a quote without its PCK certificate needs it as a file beside it',
    })
  return [
    { kind: 'intel-tcb-info', tee, fmspc: toHex(parsePckExtension(pck).fmspc) },
    { kind: 'intel-qe-identity', tee },
    { kind: 'intel-pck-crl', ca },
    { kind: 'intel-root-crl' },
  ]
}

/** Leaf and its authority: of the quote, or of a piece beside it. */
function pckChain(evidence: Uint8Array, given: Collateral): Certificate[] {
  const { certificationType, certificationData } = parseQuote(evidence).signatureData
  const texts = certificationType === PCK_CHAIN ? [certificationData] : Object.values(given)
  for (const text of texts) {
    try {
      const chain = certificatesOfPem(fromUtf8(text)).map(parseCertificate)
      if (Object.hasOwn(AUTHORITIES, chain[1]?.commonName ?? '')) return chain
    } catch {
      // Another piece: what it is worth is for a verifier to say.
    }
  }
  return []
}
