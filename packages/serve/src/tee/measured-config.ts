import { fromBase64Url, toHex } from '@sotto/protocol/bytes'
import type { Evidence, EvidenceFamily } from '@sotto/protocol/keyrelease'
import { serveError } from '../errors/index.ts'

/** Where a report says what configuration its owner bound to it at launch. */
interface ConfigurationField {
  name: string
  offset: number
  /** Longer than a SHA-256: the rest is zero. */
  length: number
}

/**
 * HOST_DATA of an SNP report (SEV-SNP firmware ABI, ATTESTATION_REPORT), which the software TEE has too, and
 * MRCONFIGID of a TD report behind the 48 bytes of a quote's header (Intel TDX DCAP quote, version 4). Other
 * families measure the configuration with the program.
 */
const FIELDS: Partial<Record<EvidenceFamily, ConfigurationField>> = {
  software: { name: 'HOST_DATA', offset: 0xc0, length: 32 },
  'sev-snp': { name: 'HOST_DATA', offset: 0xc0, length: 32 },
  tdx: { name: 'MRCONFIGID', offset: 48 + 184, length: 48 },
}

/**
 * Refuses to go on with a configuration that the hardware does not vouch for: our own evidence must name the
 * SHA-256 of the bytes that were read (T7). Clients check the same field, so this only makes a wrong start fail
 * early and clearly.
 * @throws `CONFIG_NOT_MEASURED`; `TEE_MALFORMED` when the report is too short
 */
export function requireMeasuredConfig(sha256: string, evidence: Evidence): void {
  for (const { family, evidence: piece } of evidence) {
    const field = FIELDS[family]
    if (field === undefined) continue
    const report = fromBase64Url(piece)
    const { name, offset, length } = field
    if (report.length < offset + length)
      throw serveError('TEE_MALFORMED', `the report has no ${name}`, { found: `${report.length} bytes` })
    const expected = sha256.padEnd(2 * length, '0')
    const found = toHex(report.subarray(offset, offset + length))
    if (found === expected) continue
    throw serveError('CONFIG_NOT_MEASURED', `${name} is not the hash of the configuration`, {
      expected,
      found,
      hint: 'Start the role with the configuration it was measured with.',
    })
  }
}
