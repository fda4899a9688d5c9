/** CycloneDX 1.6 (ECMA-424): what every bill of materials begins with. Same thing, same bytes: no time, no chance. */
import type { Digest } from '../keyrelease/types.ts'

/** First members of a document. `serialNumber` is made of a digest (a version 8 UUID, RFC 9562 Section 5.8). */
export interface CycloneHead {
  $schema: string
  bomFormat: 'CycloneDX'
  specVersion: '1.6'
  serialNumber: string
  version: 1
}

/** The head of the document about what has this digest. @param digest of what it is about, SHA-256 */
export function cycloneHead(digest: Digest): CycloneHead {
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(digest)}`,
    version: 1,
  }
}

function uuidOf(digest: Digest): string {
  const variant = ((Number.parseInt(digest[16]!, 16) & 0x3) | 0x8).toString(16)
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-')
}
