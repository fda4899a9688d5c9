import { toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { verifierError } from '../errors.ts'
import { parseSnpReport, type SnpReport } from '../snp/report.ts'

/** Name by which a policy accepts a software root: SHA-256 of its raw P-384 point, hexadecimal. */
export function softwareRootDigest(point: Uint8Array): string {
  return toHex(publicCrypto.sha256(point))
}

/**
 * Verifies a report of the software TEE: SNP layout, signed by a root the policy names. It says
 * that the owner of that root launched this measurement, and nothing about hardware.
 *
 * @param chain one entry, the root's raw uncompressed P-384 point
 * @param roots accepted roots; an empty list accepts none (T10)
 * @throws `EVIDENCE_MALFORMED`, `EVIDENCE_ROOT`, `EVIDENCE_SIGNATURE`
 */
export function verifySoftwareReport(
  report: Uint8Array,
  chain: readonly Uint8Array[],
  roots: readonly string[],
): { report: SnpReport; root: string } {
  const parsed = parseSnpReport(report)
  const [point, ...more] = chain
  if (!point || more.length > 0) {
    throw verifierError('EVIDENCE_MALFORMED', 'software evidence has one root and nothing else', {
      expected: '1',
      found: `${chain.length}`,
    })
  }
  const root = softwareRootDigest(point)
  if (!roots.includes(root)) {
    throw verifierError('EVIDENCE_ROOT', 'the policy does not name this software root', {
      expected: roots.join(' or ') || 'none: the software TEE is not accepted',
      found: root,
    })
  }
  if (!publicCrypto.ecdsa.importPublic('P-384', 'sha384', point).verify(parsed.signed, parsed.signature)) {
    throw verifierError('EVIDENCE_SIGNATURE', 'the report is not signed by its root')
  }
  return { report: parsed, root }
}
