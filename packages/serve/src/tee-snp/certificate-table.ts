import { serveError } from '../errors/index.ts'

/**
 * Certificates of the table the host attaches to an extended report (GHCB specification, "SNP
 * Extended Guest Request": entries of GUID, offset, length; a zero entry ends the table). The host
 * controls every byte of it; the verifier decides what the certificates are worth.
 */
const SLOTS: readonly { slot: 'leaf' | 'ask' | 'ark'; guid: string }[] = [
  { slot: 'leaf', guid: '63da758de6644564adc5f4b93be8accd' },
  { slot: 'leaf', guid: 'a8074bc2a25a483eaae639c045a0b8a1' },
  { slot: 'ask', guid: '4ab7b379bbac4fe4a02f05aef327c782' },
  { slot: 'ark', guid: 'c0b406a4a803495297433fb6014cd0ae' },
]

const ENTRY_LENGTH = 24
const MAX_ENTRIES = 16
const MAX_CERTIFICATE_BYTES = 16_384

/**
 * DER certificates in the order VCEK or VLEK, ASK, ARK; those the table lacks are left out.
 * @throws `TEE_MALFORMED` when an entry points outside the table
 */
export function parseCertificateTable(table: Uint8Array): Uint8Array[] {
  const found = new Map<string, Uint8Array>()
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  for (let index = 0; index < MAX_ENTRIES && (index + 1) * ENTRY_LENGTH <= table.length; index++) {
    const at = index * ENTRY_LENGTH
    const guid = table.subarray(at, at + 16)
    if (guid.every((byte) => byte === 0)) break
    const offset = view.getUint32(at + 16, true)
    const length = view.getUint32(at + 20, true)
    if (length === 0 || length > MAX_CERTIFICATE_BYTES || offset + length > table.length) {
      throw serveError('TEE_MALFORMED', 'a certificate lies outside the certificate table')
    }
    const slot = slotOf(guid)
    if (slot !== undefined) found.set(slot, table.slice(offset, offset + length))
  }
  return ['leaf', 'ask', 'ark'].flatMap((slot) => found.get(slot) ?? [])
}

/** GUIDs are met in RFC 4122 byte order and in the mixed order of UEFI. */
function slotOf(guid: Uint8Array): string | undefined {
  const hex = Buffer.from(guid).toString('hex')
  const swapped = Buffer.from(guid)
  swapped.subarray(0, 4).reverse()
  swapped.subarray(4, 6).reverse()
  swapped.subarray(6, 8).reverse()
  const mixed = swapped.toString('hex')
  return SLOTS.find((entry) => entry.guid === hex || entry.guid === mixed)?.slot
}
