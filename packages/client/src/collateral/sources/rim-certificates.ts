import { equalBytes } from '@sotto/protocol/bytes'
import { type Certificate, isSignedBy } from '@sotto/protocol/x509'
import { nvidiaRoots, parseRim } from '@sotto/verifier/nvidia'
import type { Need } from '../types.ts'

/**
 * The status of every certificate under which a RIM is signed, its root excepted. Nothing about them is
 * verified here: a forged RIM only asks about forged certificates.
 *
 * @throws `EVIDENCE_MALFORMED`, `X509_MALFORMED`
 */
export function rimCertificateNeeds(xml: Uint8Array): Need[] {
  return statusNeeds(parseRim(xml).certificates)
}

/** The status of each certificate of a chain but its root. @param chain leaf first; the root may be left out */
export function statusNeeds(chain: readonly Certificate[]): Need[] {
  return chain.flatMap((certificate, index): Need[] => {
    const issuer = chain[index + 1] ?? pinnedIssuer(certificate)
    return issuer === undefined ? [] : [{ kind: 'nvidia-ocsp', certificate, issuer }]
  })
}

/** Issuer of the last certificate of a chain without its root; a root has none that anybody could be asked about. */
function pinnedIssuer(certificate: Certificate): Certificate | undefined {
  if (equalBytes(certificate.subject, certificate.issuer)) return undefined
  const { devices, referenceManifests } = nvidiaRoots()
  return [...devices, ...referenceManifests].find((root) => isSignedBy(certificate, root))
}
