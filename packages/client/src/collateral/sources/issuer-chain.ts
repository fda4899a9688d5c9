import { equalBytes } from '@sotto/protocol/bytes'
import { type Certificate, certificatesOfPem, parseCertificate, verifyPath } from '@sotto/protocol/x509'
import { collateralError } from '../errors.ts'
import type { HttpAnswer } from '../http/index.ts'

/** Two certificates in PEM, percent-encoded, have about 2 kB. */
const MAX_HEADER_CHARACTERS = 16_384

/**
 * Reads and verifies an issuer chain as Intel sends it: in a response header, PEM, percent-encoded, leaf first.
 *
 * @param now Unix seconds
 * @throws `COLLATERAL_INVALID`; errors of the X.509 package
 */
export function readIssuerChain(
  answer: HttpAnswer,
  name: string,
  { root, now }: { root: Certificate; now: number },
): { pem: string; signer: Certificate } {
  const value = answer.header(name)
  if (value === null || value.length > MAX_HEADER_CHARACTERS)
    throw collateralError('COLLATERAL_INVALID', 'the answer comes without the certificates of its signer', {
      expected: `header ${name}`,
      found: value === null ? 'none' : `${value.length} characters`,
    })
  let pem: string
  try {
    pem = decodeURIComponent(value)
  } catch {
    throw collateralError('COLLATERAL_INVALID', `header ${name} is not percent-encoded`)
  }
  const chain = certificatesOfPem(pem).map(parseCertificate)
  // Intel issued its root twice with one key: chains may end in either.
  if (chain.length > 1 && equalBytes(chain.at(-1)!.spki, root.spki)) chain.pop()
  verifyPath(chain, { roots: [root], at: now, maxLength: 2 })
  return { pem, signer: chain[0]! }
}
