import { parseCertificate, type VerifiedPath } from '../x509/index.ts'
import { omsError } from './errors.ts'
import { requireSameSignature } from './keyless-body.ts'
import { verifyKeylessCertificate } from './keyless-certificate.ts'
import { parseLogEntry } from './keyless-entry.ts'
import { type KeylessIdentity, requireIdentity } from './keyless-identity.ts'
import { verifyLogEntry } from './keyless-log.ts'
import type { OmsTrustedRoot } from './keyless-root.ts'
import { verifyScts } from './keyless-sct.ts'
import { requireSignature } from './signature.ts'
import { parseOmsStatement } from './statement.ts'
import type { OmsBundle, OmsStatement } from './types.ts'

/** Whose signature it must be, and whom one trusts to say so. Both names are compared exactly. */
export interface OmsKeylessOptions extends KeylessIdentity {
  /** The verifier's own: see `parseOmsTrustedRoot`. */
  trustedRoot: OmsTrustedRoot
}

/** A model that a named person or workflow signed. */
export interface OmsKeylessSignature {
  statement: OmsStatement
  /** Signer first, root last. */
  path: VerifiedPath
  /** When the log took the signature in, Unix seconds, on its word. */
  integratedTime: number
  /** Place in the log. */
  logIndex: number
}

/**
 * The manifest of a model, proven to be signed by the holder of an identity (Sigstore, "keyless"). In this order: a log
 * of the trusted root has the signature and signed when it came; an authority of the trusted root certified the key for
 * signing code, then; a certificate log of the trusted root, if it names any, has seen the certificate; the log's entry
 * is about this signature, payload and certificate; the key signed the envelope; the identity and the issuer that vouched
 * for it are those that are asked for. Nothing is fetched. RFC 3161 timestamps beside the entry are not read.
 *
 * @throws `OMS_SIGNATURE`, `OMS_LOG`, `OMS_CERTIFICATE`, `OMS_SCT`, `OMS_LOG_BODY`, `OMS_IDENTITY` (stop), `OMS_MALFORMED`,
 * `OMS_UNSUPPORTED` (fix-input), and the codes of `parseCertificate`, `verifyPath` and `parseOmsStatement`
 */
export function verifyOmsKeyless(
  { material, payload, signature }: OmsBundle,
  { trustedRoot, identity, issuer }: OmsKeylessOptions,
): OmsKeylessSignature {
  if (material.kind !== 'keyless')
    throw omsError('OMS_SIGNATURE', 'the model is not signed keyless', {
      expected: 'a certificate and an entry of a log',
      found: material.kind,
    })
  const { certificate, logEntries } = material
  const entry = parseLogEntry(logEntries)
  const leaf = parseCertificate(certificate)
  verifyLogEntry(entry, trustedRoot)
  const { integratedTime, logIndex } = entry
  const path = verifyKeylessCertificate(leaf, trustedRoot, integratedTime)
  verifyScts(leaf, path.chain[1]!, trustedRoot)
  requireSameSignature(entry, { payload, signature, certificate })
  requireSignature(leaf.publicKey, payload, signature)
  requireIdentity(leaf, { identity, issuer })
  return { statement: parseOmsStatement(payload), path, integratedTime, logIndex }
}
