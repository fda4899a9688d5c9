import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import { DerReader, malformed, TAG } from '@sotto/protocol/der'
import type { Certificate } from '@sotto/protocol/x509'
import type { FieldObject, FieldValue } from '../family/index.ts'

/**
 * Extensions of VCEK and VLEK certificates: AMD "Versioned Chip Endorsement Key (VCEK) Certificate and
 * KDS Interface Specification" (57230), table of custom extensions.
 */
const AMD_ARC = '1.3.6.1.4.1.3704.1.'
const STRUCT_VERSION = `${AMD_ARC}1`
const PRODUCT_NAME = `${AMD_ARC}2`
const SPL_ARC = `${AMD_ARC}3.`
const HWID = `${AMD_ARC}4`
const CSP_ID = `${AMD_ARC}5`

/** 0 before Turin, 1 from Turin on. */
const MAX_STRUCT_VERSION = 1
const MAX_SPL = 255
/** Turin, and every product before it. */
const HWID_BYTES: readonly number[] = [8, 64]
/** `Milan-B0`; `CN=cc-us-east-2.amazonaws.com`. */
const MAX_TEXT_BYTES = 64

const COMMON_NAMES: Readonly<Record<string, EndorsementKey['kind']>> = {
  'SEV-VCEK': 'VCEK',
  'SEV-VLEK': 'VLEK',
}

/** Certificate of a key that signs reports. Structure only. */
export interface EndorsementKey {
  certificate: Certificate
  /** VCEK: of one chip. VLEK: of a cloud provider, loaded into many chips. */
  kind: 'VCEK' | 'VLEK'
  structVersion: number
  productName: string
  /** Security patch levels by the last arc of their extension. */
  levels: ReadonlyMap<number, number>
  /** VCEK: CHIP_ID of the chip, 64 bytes, or 8 from Turin on. */
  hwId?: Uint8Array
  /** VLEK: name of the cloud provider. */
  cspId?: string
}

/** Whether a certificate claims to be of a key that signs reports. */
export function isEndorsementKey({ commonName, extensions }: Certificate): boolean {
  return Object.hasOwn(COMMON_NAMES, commonName ?? '') || extensions.has(STRUCT_VERSION)
}

/**
 * Reads the extensions of a VCEK or VLEK certificate, which anybody may have written.
 *
 * @throws `X509_MALFORMED` (fix-input)
 */
export function parseEndorsementKey(certificate: Certificate): EndorsementKey {
  const { commonName = '', extensions } = certificate
  const kind = Object.hasOwn(COMMON_NAMES, commonName) ? COMMON_NAMES[commonName]! : undefined
  if (kind === undefined) throw malformed('subject is no endorsement key', 'SEV-VCEK or SEV-VLEK', commonName)
  const read = <T>(oid: string, decode: (reader: DerReader) => T): T => {
    const extension = extensions.get(oid)
    if (extension === undefined) throw malformed('certificate of a chip lacks an extension', oid)
    const reader = new DerReader(extension.value)
    const value = decode(reader)
    reader.end()
    return value
  }
  const levels = new Map<number, number>()
  for (const oid of extensions.keys())
    if (oid.startsWith(SPL_ARC))
      levels.set(
        Number(oid.slice(SPL_ARC.length)),
        read(oid, (reader) => reader.smallInteger(MAX_SPL)),
      )
  if (extensions.has(kind === 'VCEK' ? CSP_ID : HWID))
    throw malformed('certificate is of a chip and of a cloud provider', kind)
  return {
    certificate,
    kind,
    structVersion: read(STRUCT_VERSION, (reader) => reader.smallInteger(MAX_STRUCT_VERSION)),
    productName: read(PRODUCT_NAME, readText),
    levels,
    ...(kind === 'VCEK'
      ? { hwId: readHwId(extensions.get(HWID)?.value) }
      : { cspId: read(CSP_ID, readText) }),
  }
}

/** The extensions as fields, by the arcs that follow `1.3.6.1.4.1.3704.1`. */
export function extensionFields({
  structVersion,
  productName,
  levels,
  hwId,
  cspId,
}: EndorsementKey): FieldObject {
  const fields: Record<string, FieldValue> = { 1: structVersion, 2: productName }
  for (const [arc, level] of levels) fields[`3.${arc}`] = level
  if (hwId !== undefined) fields['4'] = toHex(hwId)
  if (cspId !== undefined) fields['5'] = cspId
  return fields
}

/** The bytes themselves, or in an OCTET STRING of their own: KDS has issued both. */
function readHwId(value: Uint8Array | undefined): Uint8Array {
  if (value === undefined) throw malformed('certificate of a chip lacks an extension', HWID)
  if (HWID_BYTES.includes(value.length)) return value
  const reader = new DerReader(value)
  const hwId = reader.octetString()
  reader.end()
  if (!HWID_BYTES.includes(hwId.length))
    throw malformed('hwID has another length', HWID_BYTES.join(' or '), `${hwId.length}`)
  return hwId
}

function readText(reader: DerReader): string {
  const bytes = reader.take(TAG.IA5_STRING)
  if (bytes.length === 0 || bytes.length > MAX_TEXT_BYTES || bytes.some((byte) => byte < 0x20 || byte > 0x7e))
    throw malformed('text of an extension is malformed', `1 to ${MAX_TEXT_BYTES} printable characters`)
  return fromUtf8(bytes)
}
