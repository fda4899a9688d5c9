import { type CborMap, type CborValue, decodeCbor } from '@sotto/protocol/cbor'
import { type CoseSign1, parseCoseSign1 } from '@sotto/protocol/cose'
import { verifierError } from '../errors.ts'

/** Length in bytes of every register: the only digest is SHA-384. */
const PCR_BYTES = 48
/** Payload of at most 16384 bytes, with its header and its signature (NSM API, section 3.1). */
const MAX_DOCUMENT_BYTES = 16_384 + 256
/** Since 2025 AWS writes the map of the payload without a length; documents before have one. */
const PAYLOAD_LIMITS = { maxBytes: MAX_DOCUMENT_BYTES, maxDepth: 3, indefiniteCollections: true }
/** AWS has 4 certificates above the one that signs; the rest is room. */
const MAX_BUNDLE = 9
/** 9999-12-31T23:59:59.999Z: what stands behind it is not a time. */
const LAST_MILLISECOND = 253_402_300_799_999

/**
 * An attestation document of a Nitro enclave, with the names of the Nitro Secure Module API
 * (`aws-nitro-enclaves-nsm-api`, docs/attestation_process.md, section 2.2). Structure only.
 */
export interface NitroDocument {
  /** The COSE_Sign1 message around it. */
  message: CoseSign1
  /** Hypervisor module: instance and enclave. */
  module_id: string
  /** When it was made, milliseconds since 1970, by the clock of the hypervisor. */
  timestamp: number
  digest: 'SHA384'
  /** By index 0 to 31, 48 bytes each. */
  pcrs: ReadonlyMap<number, Uint8Array>
  /** DER of the certificate whose key signed. */
  certificate: Uint8Array
  /** DER, root first. */
  cabundle: readonly Uint8Array[]
  /** What the program inside asked to have attested; undefined where it asked for nothing. */
  public_key: Uint8Array | undefined
  user_data: Uint8Array | undefined
  nonce: Uint8Array | undefined
}

const MANDATORY = ['module_id', 'timestamp', 'digest', 'pcrs', 'certificate', 'cabundle'] as const
const OPTIONAL = ['public_key', 'user_data', 'nonce'] as const
const KNOWN: ReadonlySet<unknown> = new Set([...MANDATORY, ...OPTIONAL])

/**
 * Structure of an attestation document (section 3.2.2): strict CBOR, only the algorithm in the headers,
 * every mandatory field, no other field than those of the specification, their types and sizes.
 *
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseNitroDocument(bytes: Uint8Array): NitroDocument {
  const message = withCbor(() => parseCoseSign1(bytes, { maxBytes: MAX_DOCUMENT_BYTES }))
  if (message.protectedHeader.size !== 1) throw malformed('protected header', 'nothing but the algorithm')
  // Nobody signs it: whatever stands there was not written by the hypervisor.
  if (message.unprotectedHeader.size !== 0) throw malformed('unprotected header', 'nothing')
  const fields = withCbor(() => decodeCbor(message.payload, PAYLOAD_LIMITS))
  if (!(fields instanceof Map)) throw malformed('payload', 'a map')
  return { message, ...parseFields(fields as CborMap) }
}

function parseFields(fields: CborMap): Omit<NitroDocument, 'message'> {
  for (const name of fields.keys())
    if (!KNOWN.has(name)) throw malformed('payload', 'fields of the specification only', 'another one')
  for (const name of MANDATORY) if (!fields.has(name)) throw malformed(name, 'a value', 'nothing')
  const module_id = fields.get('module_id')
  if (typeof module_id !== 'string' || module_id === '' || module_id.length > 256)
    throw malformed('module_id', 'text of 1 to 256 characters')
  const timestamp = fields.get('timestamp')
  if (typeof timestamp !== 'number' || timestamp <= 0 || timestamp > LAST_MILLISECOND)
    throw malformed('timestamp', 'milliseconds since 1970')
  if (fields.get('digest') !== 'SHA384') throw malformed('digest', 'SHA384')
  return {
    module_id,
    timestamp,
    digest: 'SHA384',
    pcrs: parsePcrs(fields.get('pcrs')),
    certificate: byteString(fields.get('certificate'), 'certificate', 1, 1024),
    cabundle: parseBundle(fields.get('cabundle')),
    public_key: optional(fields, 'public_key', 1, 1024),
    user_data: optional(fields, 'user_data', 0, 512),
    nonce: optional(fields, 'nonce', 0, 512),
  }
}

function parsePcrs(value: CborValue | undefined): ReadonlyMap<number, Uint8Array> {
  if (!(value instanceof Map) || value.size === 0 || value.size > 32)
    throw malformed('pcrs', 'a map of 1 to 32')
  const pcrs = new Map<number, Uint8Array>()
  for (const [index, pcr] of value as CborMap) {
    if (typeof index !== 'number' || index < 0 || index > 31) throw malformed('pcrs', 'an index from 0 to 31')
    pcrs.set(index, byteString(pcr, `pcrs[${index}]`, PCR_BYTES, PCR_BYTES))
  }
  return pcrs
}

function parseBundle(value: CborValue | undefined): Uint8Array[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_BUNDLE)
    throw malformed('cabundle', `1 to ${MAX_BUNDLE} certificates`)
  return (value as readonly CborValue[]).map((item) => byteString(item, 'cabundle', 1, 1024))
}

/** The specification allows no null, and the hypervisor writes it for what was not asked for. */
function optional(fields: CborMap, name: string, min: number, max: number): Uint8Array | undefined {
  const value = fields.get(name)
  return value === undefined || value === null ? undefined : byteString(value, name, min, max)
}

function byteString(value: CborValue | undefined, name: string, min: number, max: number): Uint8Array {
  if (value instanceof Uint8Array && value.length >= min && value.length <= max) return value
  throw malformed(name, min === max ? `${min} bytes` : `${min} to ${max} bytes`)
}

function withCbor<Result>(run: () => Result): Result {
  try {
    return run()
  } catch (cause) {
    const { message, expected, found } = cause as { message: string; expected?: string; found?: string }
    throw verifierError('EVIDENCE_MALFORMED', `attestation document: ${message}`, {
      cause,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}

function malformed(what: string, expected: string, found?: string): Error {
  return verifierError('EVIDENCE_MALFORMED', `attestation document: ${what} is malformed`, {
    expected,
    ...(found !== undefined && { found }),
  })
}
