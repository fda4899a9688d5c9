import { createHash } from 'node:crypto'

/** SHA-256 of a policy's text, 64 hexadecimal characters: what Confidential ACI puts into HOST_DATA of the SNP report. */
export function policyHash(policy: string): string {
  return createHash('sha256').update(policy, 'utf8').digest('hex')
}
