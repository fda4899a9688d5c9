import { equalBytes, toHex } from '../bytes/index.ts'
import type { Crl, RevokedCertificate } from './crl.ts'
import { dateText, x509Error } from './errors.ts'
import { verifySignature } from './signature.ts'
import { type Certificate, EXTENSION, KEY_USAGE } from './types.ts'

/** AuthorityKeyIdentifier and CRLNumber change nothing about what a list says. */
const UNDERSTOOD: readonly string[] = [EXTENSION.authorityKeyIdentifier, '2.5.29.20']
const DELTA_CRL_INDICATOR = '2.5.29.27'

/**
 * Verifies that a CRL is a complete list by this issuer, current at a time (RFC 5280 Section 6.3.3):
 * issuer name, cRLSign, signature, critical extensions, and last its dates. Lists for some kinds of
 * certificates or reasons only say so in a critical extension and are refused. `nextUpdate` is
 * mandatory, because a list without it would be current for ever. Whoever gives the list may withhold a
 * newer one that is in date as well.
 *
 * @param issuer a certificate that {@link verifyPath} accepted as an authority
 * @param at Unix seconds
 * @throws `X509_CRL`; `X509_EXPIRED` when nothing else is wrong; `X509_UNSUPPORTED` for an unusable key
 */
export function verifyCrl(crl: Crl, issuer: Certificate, at: number): void {
  if (!equalBytes(crl.issuer, issuer.subject))
    throw x509Error('X509_CRL', 'CRL names another issuer', issuer.subjectText, crl.issuerText)
  if (((issuer.keyUsage ?? 0) & KEY_USAGE.cRLSign) === 0)
    throw x509Error('X509_CRL', 'issuer may not sign CRLs', 'cRLSign', issuer.subjectText)
  if (!verifySignature(issuer.publicKey, crl.signatureAlgorithm, crl.tbs, crl.signature, true))
    throw x509Error('X509_CRL', 'CRL is not signed by its issuer', issuer.subjectText)
  for (const [oid, { critical }] of crl.extensions)
    if (oid === DELTA_CRL_INDICATOR || (critical && !UNDERSTOOD.includes(oid)))
      throw x509Error('X509_CRL', 'CRL has an unknown critical extension', undefined, oid)
  const { thisUpdate, nextUpdate } = crl
  if (nextUpdate === undefined) throw x509Error('X509_CRL', 'CRL does not say when it ends', 'nextUpdate')
  requireCurrent('CRL', thisUpdate, nextUpdate, at)
}

/**
 * Entry of a verified CRL for a certificate of the same issuer; undefined when it is not revoked.
 *
 * @throws `X509_CRL` for a certificate of another issuer, about which the list says nothing
 */
export function findRevocation(crl: Crl, certificate: Certificate): RevokedCertificate | undefined {
  if (!equalBytes(crl.issuer, certificate.issuer))
    throw x509Error('X509_CRL', 'CRL is about another issuer', certificate.issuerText, crl.issuerText)
  return crl.revoked.get(toHex(certificate.serialNumber))
}

/** Refuses a statement outside `thisUpdate` to `nextUpdate`. @throws `X509_EXPIRED` */
export function requireCurrent(what: string, thisUpdate: number, nextUpdate: number, at: number): void {
  // Written so that a time that is no number is refused.
  if (at >= thisUpdate && at <= nextUpdate) return
  throw x509Error(
    'X509_EXPIRED',
    at < thisUpdate ? `${what} is not valid yet` : `${what} has expired`,
    `${dateText(thisUpdate)} to ${dateText(nextUpdate)}`,
    dateText(at),
  )
}
