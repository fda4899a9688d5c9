import { type Certificate, isSignedBy, KEY_USAGE, type VerifiedPath, verifyPath } from '../x509/index.ts'
import { omsError } from './errors.ts'
import { isValidAt, type OmsTrustedRoot } from './keyless-root.ts'
import { CODE_SIGNING } from './signature.ts'

/** subjectAltName: read and compared by `requireIdentity`. */
const SUBJECT_ALT_NAME = '2.5.29.17'

/**
 * Proves that an authority of the trusted root certified the signer for signing code, and that all certificates were valid
 * when the log took the signature in: they live for minutes, so that nothing else about time helps.
 *
 * @param leaf from anybody
 * @param at Unix seconds, proven
 * @returns the path, with which `chain[1]` is who issued the certificate
 * @throws `OMS_CERTIFICATE` (stop), and the codes of `verifyPath`
 */
export function verifyKeylessCertificate(leaf: Certificate, root: OmsTrustedRoot, at: number): VerifiedPath {
  const trusted = root.authorities.filter((one) => isValidAt(one, at))
  const authority = trusted.find(({ chain }) => isSignedBy(leaf, chain[0]!, true))
  if (authority === undefined)
    throw omsError('OMS_CERTIFICATE', 'no authority of the trusted root certified the signer', {
      expected: trusted.map(({ chain }) => chain[0]!.subjectText).join(' or '),
      found: leaf.issuerText,
    })
  const path = verifyPath([leaf, ...authority.chain.slice(0, -1)], {
    roots: authority.chain.slice(-1),
    at,
    knownCritical: [SUBJECT_ALT_NAME],
  })
  requirePurpose(path)
  return path
}

/** Fulcio, docs/certificate-specification.md: signers have both usages and nothing else, issuers of theirs may name the purpose. */
function requirePurpose({ chain: [leaf, ...issuers] }: VerifiedPath): void {
  const { keyUsage, extendedKeyUsage, basicConstraints, subjectText } = leaf!
  const purposes = extendedKeyUsage?.join(', ') ?? 'none'
  // A path of one certificate is a root that signed by itself.
  const isSigner = issuers.length > 0 && basicConstraints?.ca !== true
  if (!isSigner || keyUsage !== KEY_USAGE.digitalSignature || purposes !== CODE_SIGNING)
    throw omsError('OMS_CERTIFICATE', 'the certificate is not for signing code alone', {
      expected: `digitalSignature, ${CODE_SIGNING}`,
      found: `key usage ${keyUsage ?? 'none'}, ${purposes} of ${subjectText || 'a signer without a name'}`,
    })
  for (const issuer of issuers)
    if (issuer.extendedKeyUsage?.includes(CODE_SIGNING) === false)
      throw omsError('OMS_CERTIFICATE', 'an authority certifies for other purposes', {
        expected: CODE_SIGNING,
        found: `${issuer.extendedKeyUsage.join(', ')} of ${issuer.subjectText}`,
      })
}
