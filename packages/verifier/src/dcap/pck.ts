import { DerReader, TAG } from '@sotto/protocol/der'
import type { Certificate } from '@sotto/protocol/x509'
import { verifierError } from '../errors.ts'

/**
 * SGX extension of a PCK certificate: "Intel SGX PCK Certificate and Certificate Revocation List Profile
 * Specification", section 1.3.5.
 */
const SGX_EXTENSION = '1.2.840.113741.1.13.1'
const COMPONENTS = 16
const SGX_TYPES = ['standard', 'scalable', 'scalable with integrity'] as const

/** What Intel certifies about the processor package that holds the key. */
export interface PckExtension {
  /** Platform provisioning id, 16 bytes: of this processor package. */
  ppid: Uint8Array
  /** SGX TCB component SVNs 1 to 16. */
  components: readonly number[]
  pcesvn: number
  cpusvn: Uint8Array
  pceid: Uint8Array
  /** Family, model, stepping, platform and custom SKU, 6 bytes. */
  fmspc: Uint8Array
  sgxType: (typeof SGX_TYPES)[number]
  /** Of the Platform CA only: the same for every package of a platform. */
  platformInstanceId?: Uint8Array
  /** Of the Platform CA only. */
  configuration?: { dynamicPlatform?: boolean; cachedKeys?: boolean; smtEnabled?: boolean }
}

/** @throws `EVIDENCE_MALFORMED` without the extension; `X509_MALFORMED` for one that is not as specified */
export function parsePckExtension(certificate: Certificate): PckExtension {
  const extension = certificate.extensions.get(SGX_EXTENSION)
  if (extension === undefined) throw malformed('is missing', SGX_EXTENSION)
  const fields = readFields(new DerReader(extension.value), SGX_EXTENSION)
  const tcb = readFields(required(fields, 2), `${SGX_EXTENSION}.2`)
  const components = Array.from({ length: COMPONENTS }, (_, i) => required(tcb, i + 1).smallInteger(0xff))
  const sgxType = SGX_TYPES[required(fields, 5).smallInteger(0xff, TAG.ENUMERATED)]
  if (sgxType === undefined) throw malformed('has an unknown SGX Type', '0, 1 or 2')
  const platformInstanceId = fields.get(6)
  const configuration = fields.get(7)
  const parsed: PckExtension = {
    ppid: octets(required(fields, 1), 16),
    components,
    pcesvn: required(tcb, 17).smallInteger(0xffff),
    cpusvn: octets(required(tcb, 18), 16),
    pceid: octets(required(fields, 3), 2),
    fmspc: octets(required(fields, 4), 6),
    sgxType,
    ...(platformInstanceId && { platformInstanceId: octets(platformInstanceId, 16) }),
    ...(configuration && { configuration: readConfiguration(configuration) }),
  }
  requireAllRead(fields)
  requireAllRead(tcb)
  return parsed
}

function readConfiguration(reader: DerReader): NonNullable<PckExtension['configuration']> {
  const fields = readFields(reader, `${SGX_EXTENSION}.7`)
  const names = ['dynamicPlatform', 'cachedKeys', 'smtEnabled'] as const
  const configuration: NonNullable<PckExtension['configuration']> = {}
  for (const [index, name] of names.entries()) {
    const field = fields.get(index + 1)
    if (field) configuration[name] = field.boolean()
  }
  requireAllRead(fields)
  return configuration
}

/** SEQUENCE OF SEQUENCE { OID, value }: readers of the values, by the last number of the identifier. */
function readFields(reader: DerReader, prefix: string): Map<number, DerReader> {
  const list = reader.enter(TAG.SEQUENCE)
  reader.end()
  const fields = new Map<number, DerReader>()
  while (!list.atEnd) {
    const field = list.enter(TAG.SEQUENCE)
    const oid = field.oid()
    const number = Number(oid.slice(prefix.length + 1))
    if (!oid.startsWith(`${prefix}.`) || !Number.isSafeInteger(number) || fields.has(number))
      throw malformed('has an unknown or repeated field', prefix, oid)
    fields.set(number, field)
  }
  return fields
}

function required(fields: Map<number, DerReader>, number: number): DerReader {
  const field = fields.get(number)
  if (field === undefined) throw malformed(`lacks field ${number}`)
  return field
}

function octets(field: DerReader, length: number): Uint8Array {
  const bytes = field.octetString()
  if (bytes.length !== length)
    throw malformed('has a field of another length', `${length}`, `${bytes.length}`)
  return bytes
}

/** Fields that nobody read are unknown ones; a value with more behind it is as well. */
function requireAllRead(fields: Map<number, DerReader>): void {
  for (const [number, field] of fields)
    if (!field.atEnd) throw malformed('has something unknown', undefined, `field ${number}`)
}

function malformed(what: string, expected?: string, found?: string): Error {
  return verifierError('EVIDENCE_MALFORMED', `SGX extension of the PCK certificate ${what}`, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
  })
}
