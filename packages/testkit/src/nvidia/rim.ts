import { toBase64, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { FakeIdentity } from '../x509/index.ts'

const SWID = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd'
const SHA384 = 'http://www.w3.org/2001/04/xmlenc#sha384'
const DSIG = 'http://www.w3.org/2000/09/xmldsig#'
const C14N = 'http://www.w3.org/2006/12/xml-c14n11'

/** What a manifest says; everything has a default that a verifier accepts. */
export interface FakeRimOptions {
  edition?: string
  product?: string
  version?: string
  /** Allowed values by index, of the measurements that count. */
  golden?: ReadonlyMap<number, readonly Uint8Array[]>
  /** Changes the document before it is signed; it must stay canonical XML. */
  editDocument?: (document: string) => string
  /** Changes the canonical SignedInfo before it is signed. */
  editSignedInfo?: (signedInfo: string) => string
  /** Changes the file after it was signed. */
  editFile?: (xml: string) => string
  /** Certificates in KeyInfo. Default the signer's path with the root. */
  certificates?: readonly FakeIdentity[]
  signer?: FakeIdentity
}

/**
 * A manifest as NVIDIA writes it, signed. The document is written in canonical form by hand, so that
 * nothing of a verifier's canonicalisation goes into what it is tested with.
 */
export function writeRim(path: readonly FakeIdentity[], options: FakeRimOptions = {}): Uint8Array {
  const certificates = options.certificates ?? path
  const signer = options.signer ?? path[0]!
  const document = options.editDocument?.(writeDocument(options)) ?? writeDocument(options)
  const end = document.lastIndexOf('</')
  const digest = toBase64(crypto.sha384(utf8(document)))
  const scope = ` xmlns="${SWID}" xmlns:ds="${DSIG}" xmlns:ns0="${SWID}" xmlns:ns2="${SHA384}"`
  const written = writeSignedInfo(digest, scope)
  const signedInfo = options.editSignedInfo?.(written) ?? written
  const signature = crypto.ecdsa
    .importPrivate('P-384', 'sha384', signer.key.privateKey)
    .sign(utf8(signedInfo))
  const xml = [
    document.slice(0, end),
    `<ds:Signature xmlns:ds="${DSIG}">`,
    // In its place SignedInfo inherits its namespaces and need not repeat them.
    signedInfo.replace(scope, ''),
    `<ds:SignatureValue>${toBase64(signature)}</ds:SignatureValue>`,
    '<ds:KeyInfo><ds:X509Data>',
    ...certificates.map(({ der }) => `<ds:X509Certificate>${toBase64(der)}</ds:X509Certificate>`),
    '</ds:X509Data></ds:KeyInfo></ds:Signature>',
    document.slice(end),
  ].join('')
  return utf8(options.editFile?.(xml) ?? xml)
}

function writeDocument(options: FakeRimOptions): string {
  const { edition = 'GPU', product = 'GH100', version = '550.90.07', golden = new Map() } = options
  const resources = Array.from({ length: 64 }, (_, index) => {
    const values = (golden.get(index) ?? [new Uint8Array(48)]) as readonly Uint8Array[]
    const hashes = values.map((value, i) => ` ns2:Hash${i}="${toHex(value)}"`).join('')
    const active = golden.has(index) ? 'True' : 'False'
    const attributes = `active="${active}" alternatives="${values.length}" index="${index}" name="Measurement_${index}" size="48" type="Measurement"`
    return `    <ns0:Resource ${attributes}${hashes}></ns0:Resource>\n`
  })
  return [
    `<SoftwareIdentity xmlns="${SWID}" xmlns:ns0="${SWID}" xmlns:ns2="${SHA384}" name="${product}">\n`,
    '  <ns0:Entity name="Fake NVIDIA" role="softwareCreator tagCreator"></ns0:Entity>\n',
    `  <ns0:Meta colloquialVersion="${version}" edition="${edition}" product="${product}"></ns0:Meta>\n`,
    '  <ns0:Payload>\n',
    ...resources,
    '  </ns0:Payload>\n',
    '</SoftwareIdentity>',
  ].join('')
}

function writeSignedInfo(digest: string, scope: string): string {
  const algorithm = (element: string, value: string): string =>
    `<ds:${element} Algorithm="${value}"></ds:${element}>`
  return [
    `<ds:SignedInfo${scope}>`,
    algorithm('CanonicalizationMethod', C14N),
    algorithm('SignatureMethod', 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384'),
    '<ds:Reference URI=""><ds:Transforms>',
    algorithm('Transform', `${DSIG}enveloped-signature`),
    algorithm('Transform', C14N),
    '</ds:Transforms>',
    algorithm('DigestMethod', 'http://www.w3.org/2001/04/xmldsig-more#sha384'),
    `<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`,
  ].join('')
}
