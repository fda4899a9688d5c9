import { toHex } from '@sotto/protocol/bytes'
import { collectError } from './errors.ts'

/** GUID (16 bytes), offset and length (4 bytes each, little-endian). */
const ENTRY_BYTES = 24
const GUID_BYTES = 16
/** VCEK, ASK, ARK, VLEK, ASVK, CRL, and what a cloud adds. */
const MAX_ENTRIES = 16

/**
 * Cuts the host's table of certificates into its pieces: AMD "Guest-Hypervisor Communication Block
 * Standardization" (56421), Section 4.1.8.1, what `auxblob` holds on SEV-SNP. Which piece is what is for
 * the verifier to see by its content: the host chose the GUIDs too.
 *
 * @returns pieces by their GUID, hexadecimal as it stands there
 * @throws `COLLECT_MALFORMED`
 */
export function splitCertificateTable(table: Uint8Array): Record<string, Uint8Array> {
  const view = new DataView(table.buffer, table.byteOffset, table.length)
  const pieces: Record<string, Uint8Array> = {}
  const headers: { guid: string; offset: number; length: number }[] = []
  for (let at = 0; ; at += ENTRY_BYTES) {
    if (at + ENTRY_BYTES > table.length || headers.length > MAX_ENTRIES)
      throw malformed(
        'has no end',
        `at most ${MAX_ENTRIES} entries and a zero one`,
        `${headers.length} entries`,
      )
    const entry = table.subarray(at, at + ENTRY_BYTES)
    if (entry.every((byte) => byte === 0)) break
    const guid = toHex(entry.subarray(0, GUID_BYTES))
    headers.push({ guid, offset: view.getUint32(at + 16, true), length: view.getUint32(at + 20, true) })
  }
  const headerBytes = (headers.length + 1) * ENTRY_BYTES
  for (const { guid, offset, length } of headers) {
    if (offset < headerBytes || length > table.length || offset > table.length - length)
      throw malformed(
        'points outside of itself',
        `${headerBytes} to ${table.length}`,
        `${offset} + ${length}`,
      )
    if (Object.hasOwn(pieces, guid)) throw malformed('has a GUID twice', undefined, guid)
    pieces[guid] = table.subarray(offset, offset + length)
  }
  return pieces
}

function malformed(what: string, expected: string | undefined, found: string): Error {
  return collectError('COLLECT_MALFORMED', `the table of certificates ${what}`, {
    ...(expected !== undefined && { expected }),
    found,
  })
}
