import { fromBase64Url, toHex } from '@sotto/protocol/bytes'
import type { Evidence } from '@sotto/protocol/keyrelease'
import { serveError } from '../errors/index.ts'

/** HOST_DATA in the SNP attestation report (SEV-SNP firmware ABI, ATTESTATION_REPORT structure). */
const HOST_DATA_OFFSET = 0xc0
const HOST_DATA_LENGTH = 32
const REPORT_LENGTH = 1184

/**
 * Refuses to go on with a configuration that the hardware does not vouch for: HOST_DATA of our own
 * evidence must be the SHA-256 of the bytes that were read (T7). Clients check the same field, so
 * this only makes a wrong start fail early and clearly.
 * @throws `CONFIG_NOT_MEASURED`; `TEE_MALFORMED` when the report has another size
 */
export function requireMeasuredConfig(sha256: string, evidence: Evidence): void {
  const report = fromBase64Url(evidence.report)
  if (report.length !== REPORT_LENGTH)
    throw serveError('TEE_MALFORMED', 'the report does not have 1184 bytes')
  const hostData = toHex(report.subarray(HOST_DATA_OFFSET, HOST_DATA_OFFSET + HOST_DATA_LENGTH))
  if (hostData === sha256) return
  throw serveError('CONFIG_NOT_MEASURED', 'HOST_DATA is not the hash of the configuration', {
    expected: sha256,
    found: hostData,
    hint: 'Start the role with the configuration it was measured with.',
  })
}
