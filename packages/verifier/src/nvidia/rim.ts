import { toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { type Certificate, parseCertificate } from '@sotto/protocol/x509'
import { fromAnyHex } from '../family/index.ts'
import {
  attribute,
  DSIG_NAMESPACE,
  isNamed,
  malformedXml,
  parseEnvelopedSignature,
  parseXml,
  type XmlElement,
  type XmlSignature,
} from '../xmldsig/index.ts'
import { DRIVER_VERSION, VBIOS_VERSION } from './versions.ts'

/** A SWID tag (ISO/IEC 19770-2:2015) with the attributes of TCG's "Reference Integrity Manifest Information Model". */
const SWID = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd'
const SHA384 = 'http://www.w3.org/2001/04/xmlenc#sha384'
/** Children of a tag that SWID knows besides Meta and Payload; NVIDIA's have nothing in them that is used here. */
const OTHER_CHILDREN = ['Entity', 'Link', 'Evidence']

/** SHA-384. */
const HASH_BYTES = 48
/** Block 255 is the last that SPDM has. */
const LAST_INDEX = 254
/** Firmware versions that one manifest allows for one measurement; 4 occur. */
const MAX_ALTERNATIVES = 64

/** What a manifest is about. */
export type RimKind = 'driver' | 'vbios' | 'switch-bios'

/** A reference integrity manifest of NVIDIA that was read. Nothing is proven about it. */
export interface Rim {
  kind: RimKind
  /** `colloquialVersion`: of the driver, `550.90.07`, or the VBIOS, `96.00.9F.00.01`. */
  version: string
  /** Chip, `GH100`. */
  product: string
  /** Allowed values by index, of the measurements that count (`active`). Index i is measurement block i + 1. */
  golden: ReadonlyMap<number, readonly Uint8Array[]>
  /** SHA-256 of the file, hexadecimal. */
  digest: string
  signature: XmlSignature
  /** Of the signature, the signer's first. */
  certificates: readonly Certificate[]
}

/**
 * Reads a manifest: restricted XML, one enveloped signature over all of it, and values only from what is signed.
 *
 * @throws `EVIDENCE_MALFORMED`, `X509_MALFORMED`, `X509_UNSUPPORTED` (fix-input); Refusal of class `algorithm`
 */
export function parseRim(bytes: Uint8Array, digest = rimDigest(bytes)): Rim {
  const root = parseXml(bytes)
  if (!isNamed(root, SWID, 'SoftwareIdentity'))
    throw malformedXml('root element', 'SoftwareIdentity', root.localName)
  const signature = parseEnvelopedSignature(root)
  const { meta, payload } = childrenOf(signature.signed)
  const version = required(meta, 'colloquialVersion')
  return {
    kind: kindOf(required(meta, 'edition'), version),
    version,
    product: required(meta, 'product'),
    golden: readPayload(payload),
    digest,
    signature,
    certificates: signature.certificates.map((der) => parseCertificate(der)),
  }
}

/** Name of the very file. */
export function rimDigest(bytes: Uint8Array): string {
  return toHex(publicCrypto.sha256(bytes))
}

function kindOf(edition: string, version: string): RimKind {
  if (edition === 'SWITCH' && VBIOS_VERSION.test(version)) return 'switch-bios'
  if (edition === 'GPU' && VBIOS_VERSION.test(version)) return 'vbios'
  if (edition === 'GPU' && DRIVER_VERSION.test(version)) return 'driver'
  throw malformedXml('edition and version', 'GPU or SWITCH with a version of it', `${edition} ${version}`)
}

function childrenOf(root: XmlElement): { meta: XmlElement; payload: XmlElement } {
  const found = new Map<string, XmlElement>()
  for (const child of root.children) {
    if (typeof child === 'string') requireBlank(child, root)
    else if (child.namespace !== SWID) {
      if (child.namespace !== DSIG_NAMESPACE)
        throw malformedXml('SoftwareIdentity', 'SWID elements', child.localName)
    } else if (OTHER_CHILDREN.includes(child.localName)) continue
    else if (found.has(child.localName)) throw malformedXml(`${child.localName} occurs twice`)
    else found.set(child.localName, child)
  }
  const [meta, payload] = [found.get('Meta'), found.get('Payload')]
  if (!meta || !payload || found.size > 2)
    throw malformedXml('SoftwareIdentity', 'Meta and Payload', [...found.keys()].join(', '))
  return { meta, payload }
}

function readPayload(payload: XmlElement): Map<number, readonly Uint8Array[]> {
  const golden = new Map<number, readonly Uint8Array[]>()
  const seen = new Set<number>()
  for (const child of payload.children) {
    if (typeof child === 'string') {
      requireBlank(child, payload)
      continue
    }
    if (
      !isNamed(child, SWID, 'Resource') ||
      required(child, 'type') !== 'Measurement' ||
      child.children.length > 0
    )
      throw malformedXml('Payload', 'empty Resources of type Measurement', child.localName)
    const index = number(child, 'index', LAST_INDEX)
    if (seen.has(index)) throw malformedXml('index', 'each once', `${index} twice`)
    seen.add(index)
    const values = readValues(child)
    if (isActive(child)) golden.set(index, values)
  }
  if (golden.size === 0) throw malformedXml('Payload', 'an active measurement')
  return golden
}

/** `Hash0` and so on, as many as `alternatives` says and no more. */
function readValues(resource: XmlElement): Uint8Array[] {
  const alternatives = number(resource, 'alternatives', MAX_ALTERNATIVES)
  const size = number(resource, 'size', HASH_BYTES)
  const hashes = resource.attributes.filter(({ namespace }) => namespace === SHA384)
  if (alternatives === 0 || hashes.length !== alternatives || size !== HASH_BYTES)
    throw malformedXml(
      'Resource',
      `${alternatives || 1} hashes of ${HASH_BYTES} bytes`,
      `${hashes.length} of ${size}`,
    )
  return hashes.map((_, i) => {
    const value = fromAnyHex(attribute(resource, `Hash${i}`, SHA384) ?? '')
    if (value?.length !== HASH_BYTES) throw malformedXml(`Hash${i}`, `${HASH_BYTES} bytes in hexadecimal`)
    return value
  })
}

function isActive(resource: XmlElement): boolean {
  const active = required(resource, 'active')
  if (active !== 'True' && active !== 'False') throw malformedXml('active', 'True or False', active)
  return active === 'True'
}

function number(element: XmlElement, name: string, max: number): number {
  const text = required(element, name)
  if (!/^(?:0|[1-9]\d{0,5})$/.test(text) || Number(text) > max) throw malformedXml(name, `0 to ${max}`, text)
  return Number(text)
}

function required(element: XmlElement, name: string): string {
  const value = attribute(element, name)
  if (value === undefined || value === '') throw malformedXml(element.localName, name, 'nothing')
  return value
}

function requireBlank(text: string, parent: XmlElement): void {
  if (/[^ \t\n]/.test(text)) throw malformedXml(`${parent.localName} has text`)
}
