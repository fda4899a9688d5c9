import { fromBase64 } from '@sotto/protocol/bytes'
import { Refusal } from '../checks/index.ts'
import { C14N_11 } from './canonical.ts'
import { malformedXml } from './scan.ts'
import { attribute, isNamed, type XmlElement } from './types.ts'

/** XML Signature Syntax and Processing 1.1 (https://www.w3.org/TR/xmldsig-core1/). */
export const DSIG_NAMESPACE = 'http://www.w3.org/2000/09/xmldsig#'
const ENVELOPED_SIGNATURE = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const ECDSA_SHA384 = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384'
const DIGESTS = {
  'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384',
} as const

/** Most certificates in KeyInfo; NVIDIA sends 4. */
const MAX_CERTIFICATES = 8

/** Names that stand for an ID in common use; without a DTD no attribute is one by itself. */
const ID_NAMES = ['Id', 'ID', 'id']

/** An enveloped signature, split. Structure only: see `verifyDigest` and `verifySignedInfo`. */
export interface XmlSignature {
  /** The element that carries the signature and is signed: what is read must be read from it. */
  signed: XmlElement
  element: XmlElement
  signedInfo: XmlElement
  digestAlgorithm: 'sha256' | 'sha384'
  digestValue: Uint8Array
  /** r then s. */
  signatureValue: Uint8Array
  /** DER of X509Data in the order given, the signer's first. */
  certificates: readonly Uint8Array[]
}

/**
 * Finds the one signature of a document: it stands directly in the root element, its one Reference covers
 * the root element without the signature itself, and nothing else about it is a choice of the sender.
 * So there is no second reading: what is signed is all that a reader of the root can find.
 *
 * @throws `EVIDENCE_MALFORMED`; Refusal of class `algorithm` for one that is not ECDSA P-384 with SHA-384
 */
export function parseEnvelopedSignature(root: XmlElement): XmlSignature {
  const element = findSignature(root)
  const [signedInfo, value, keyInfo] = elementsOf(element, ['SignedInfo', 'SignatureValue', 'KeyInfo'])
  const [canonicalization, method, reference] = elementsOf(signedInfo!, [
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  ])
  requireAlgorithm(canonicalization!, C14N_11)
  requireAlgorithm(method!, ECDSA_SHA384)
  requireWholeDocument(reference!, root)
  const [transforms, digestMethod, digestValue] = elementsOf(
    reference!,
    ['Transforms', 'DigestMethod', 'DigestValue'],
    ['URI'],
  )
  const [enveloped, canonical] = elementsOf(transforms!, ['Transform', 'Transform'])
  requireAlgorithm(enveloped!, ENVELOPED_SIGNATURE)
  requireAlgorithm(canonical!, C14N_11)
  const digest = requireAlgorithm(digestMethod!, ...Object.keys(DIGESTS)) as keyof typeof DIGESTS
  return {
    signed: root,
    element,
    signedInfo: signedInfo!,
    digestAlgorithm: DIGESTS[digest],
    digestValue: base64Of(digestValue!),
    signatureValue: base64Of(value!),
    certificates: certificatesOf(keyInfo!),
  }
}

/** Nothing of the signature's vocabulary may stand anywhere else: a second signature would be a second opinion. */
function findSignature(root: XmlElement): XmlElement {
  const found: XmlElement[] = []
  const todo: XmlElement[] = [root]
  for (let element = todo.pop(); element !== undefined; element = todo.pop()) {
    if (element.namespace === DSIG_NAMESPACE) {
      if (element.localName !== 'Signature' || element.parent !== root)
        throw malformedXml(
          'part of a signature in another place',
          'Signature in the root element',
          element.localName,
        )
      found.push(element)
    } else for (const child of element.children) if (typeof child !== 'string') todo.push(child)
  }
  if (found.length !== 1) throw malformedXml('signatures', 'one', `${found.length}`)
  return found[0]!
}

/** URI `""` is the document, `#…` an element by its ID (Section 4.4.3.3): here the root, whose ID nothing else has. */
function requireWholeDocument(reference: XmlElement, root: XmlElement): void {
  const uri = attribute(reference, 'URI')
  if (uri === '') return
  if (uri === undefined || !uri.startsWith('#') || uri.length < 2)
    throw malformedXml('URI of the Reference', '"" or #id')
  const id = uri.slice(1)
  const owners: XmlElement[] = []
  const todo: XmlElement[] = [root]
  for (let element = todo.pop(); element !== undefined; element = todo.pop()) {
    const isOwner = ({ localName, value }: { localName: string; value: string }): boolean =>
      ID_NAMES.includes(localName) && value === id
    for (const one of element.attributes) if (isOwner(one)) owners.push(element)
    for (const child of element.children) if (typeof child !== 'string') todo.push(child)
  }
  if (owners.length !== 1 || owners[0] !== root)
    throw malformedXml(
      'URI of the Reference',
      'the ID of the root element alone',
      `${owners.length} elements with this ID`,
    )
}

/** The elements in an element: exactly these, in this order, with white space between and no attributes but those named. */
function elementsOf(
  parent: XmlElement,
  names: readonly string[],
  attributes: readonly string[] = [],
): XmlElement[] {
  requireAttributes(parent, attributes)
  const elements: XmlElement[] = []
  for (const child of parent.children) {
    if (typeof child !== 'string') elements.push(child)
    else if (/[^ \t\n]/.test(child)) throw malformedXml(`${parent.localName} has text`)
  }
  const found = elements.map(({ localName }) => localName)
  const isExpected =
    elements.length === names.length && elements.every((one, i) => isNamed(one, DSIG_NAMESPACE, names[i]!))
  if (!isExpected) throw malformedXml(parent.localName, names.join(', '), found.join(', '))
  return elements
}

function requireAttributes(element: XmlElement, allowed: readonly string[]): void {
  const isExpected =
    element.attributes.length === allowed.length &&
    allowed.every((name) => attribute(element, name) !== undefined)
  if (isExpected) return
  const found = element.attributes.map(({ localName }) => localName).join(', ')
  throw malformedXml(`attributes of ${element.localName}`, allowed.join(', ') || 'none', found)
}

/** An element that names an algorithm without parameters. */
function requireAlgorithm(element: XmlElement, ...allowed: readonly string[]): string {
  elementsOf(element, [], ['Algorithm'])
  const algorithm = attribute(element, 'Algorithm')!
  if (!allowed.includes(algorithm))
    throw new Refusal(
      `${element.localName} is not one that is accepted here`,
      allowed.join(' or '),
      algorithm.slice(0, 128),
      'algorithm',
    )
  return algorithm
}

/** X509Data alone: a bare key, or a name of one, would be the sender's word. */
function certificatesOf(keyInfo: XmlElement): Uint8Array[] {
  const [data] = elementsOf(keyInfo, ['X509Data'])
  const count = data!.children.filter((child) => typeof child !== 'string').length
  if (count === 0 || count > MAX_CERTIFICATES)
    throw malformedXml('X509Data', `1 to ${MAX_CERTIFICATES} certificates`, `${count}`)
  return elementsOf(
    data!,
    Array.from({ length: count }, () => 'X509Certificate'),
  ).map(base64Of)
}

/** Content of type base64Binary (XML Schema Part 2 Section 3.2.16): lines of any width. */
function base64Of(element: XmlElement): Uint8Array {
  requireAttributes(element, [])
  const [text, ...more] = element.children
  if (typeof text !== 'string' || more.length > 0)
    throw malformedXml(`content of ${element.localName}`, 'base64')
  try {
    return fromBase64(text.replaceAll(/[ \t\n]+/g, ''))
  } catch {
    throw malformedXml(`content of ${element.localName}`, 'base64')
  }
}
