import { beforeAll, describe, expect, it } from 'vitest'
import { fromUtf8, toBase64, utf8 } from '@sotto/protocol/bytes'
import { parseCertificate } from '@sotto/protocol/x509'
import { fakeNvidia, type FakeNvidia, type FakeRimOptions } from '@sotto/testkit/nvidia'
import { fakeRoot } from '@sotto/testkit/x509'
import { parseEnvelopedSignature, parseXml, verifyDigest, verifySignedInfo } from '@sotto/verifier/xmldsig'

const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED' })
const algorithm = expect.objectContaining({ class: 'algorithm' })
let vendor: FakeNvidia
beforeAll(() => {
  vendor = fakeNvidia()
})

/** Core validation of XML Signature under the certificate that came along. */
function isValid(xml: Uint8Array): boolean {
  const signature = parseEnvelopedSignature(parseXml(xml))
  const { publicKey } = parseCertificate(signature.certificates[0]!)
  return verifyDigest(signature) && verifySignedInfo(signature, publicKey)
}
const signed = (options: FakeRimOptions = {}): Uint8Array => vendor.rim(options)
const edited = (from: string | RegExp, to: string): Uint8Array =>
  signed({ editFile: (xml) => xml.replace(from, () => to) })
/** The same change, made by whoever holds the key. */
const resigned = (from: string | RegExp, to: string): Uint8Array =>
  signed({ editSignedInfo: (xml) => xml.replace(from, () => to) })
const textOf = (xml: Uint8Array): string => fromUtf8(xml)
const signatureOf = (xml: Uint8Array): string => /<ds:Signature .*<\/ds:Signature>/s.exec(textOf(xml))![0]

describe('a signature verifies', () => {
  it('over the document that was signed', () => {
    expect(isValid(signed())).toBe(true)
  })

  it('whatever does not change its canonical form', () => {
    expect(isValid(edited('<ns0:Payload>', '<ns0:Payload  >'))).toBe(true)
    expect(isValid(signed({ editFile: (xml) => xml.replaceAll('></ns0:Resource>', '/>') }))).toBe(true)
    expect(isValid(signed({ editFile: (xml) => `<?xml version="1.0"?>\n${xml}\n` }))).toBe(true)
    expect(isValid(edited('name="GH100"', "name='GH100'"))).toBe(true)
  })

  it('with SHA-256 as the digest', () => {
    const signature = parseEnvelopedSignature(
      parseXml(
        resigned('http://www.w3.org/2001/04/xmldsig-more#sha384', 'http://www.w3.org/2001/04/xmlenc#sha256'),
      ),
    )
    expect(signature.digestAlgorithm).toBe('sha256')
  })

  it('by the ID of the root element', () => {
    const options: FakeRimOptions = {
      editDocument: (xml) => xml.replace(' name="GH100"', ' id="root" name="GH100"'),
      editSignedInfo: (xml) => xml.replace('URI=""', 'URI="#root"'),
    }
    expect(isValid(signed(options))).toBe(true)
  })
})

describe('a signature does not verify', () => {
  it.each<[string, () => Uint8Array]>([
    ['over another value', () => edited('active="False"', 'active="True"')],
    ['over one more element', () => edited('</ns0:Payload>', '<ns0:Resource></ns0:Resource></ns0:Payload>')],
    ['over other white space', () => edited('  <ns0:Meta', '   <ns0:Meta')],
    [
      'over another namespace of a prefix',
      () => edited('xmlns:ns2="http://www.w3.org/2001/04/xmlenc#sha384"', 'xmlns:ns2="urn:x"'),
    ],
    ['over one more declaration', () => edited(' xmlns:ns0=', ' xmlns:evil="urn:x" xmlns:ns0=')],
    ['with another digest', () => edited(/<ds:DigestValue>.{4}/, '<ds:DigestValue>AAAA')],
    ['with another signature', () => edited(/<ds:SignatureValue>.{4}/, '<ds:SignatureValue>AAAA')],
    ['that is shorter', () => edited(/<ds:SignatureValue>.{4}/, '<ds:SignatureValue>')],
    ['of another key', () => signed({ signer: fakeRoot({ curve: 'P-384' }) })],
    ['of a key on another curve', () => signed({ certificates: [fakeRoot()] })],
  ])('%s', (_what, xml) => {
    expect(isValid(xml())).toBe(false)
  })
})

describe('a signature is refused', () => {
  it.each<[string, () => Uint8Array]>([
    ['that is missing', () => edited(/<ds:Signature .*<\/ds:Signature>/s, '')],
    [
      'that is there twice',
      () =>
        signed({
          editFile: (xml) =>
            xml.replace('</SoftwareIdentity>', `${signatureOf(utf8(xml))}</SoftwareIdentity>`),
        }),
    ],
    [
      'in an element of the root',
      () => edited(/<ds:Signature .*<\/ds:Signature>/s, `<ns0:Link>${signatureOf(signed())}</ns0:Link>`),
    ],
    // Signature wrapping: the signed document becomes a part of another one.
    [
      'around which another document was wrapped',
      () =>
        utf8(
          `<SoftwareIdentity xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd">${textOf(signed())}</SoftwareIdentity>`,
        ),
    ],
    [
      'that holds the signed document in an Object',
      () => edited('</ds:Signature>', `<ds:Object>${textOf(signed())}</ds:Object></ds:Signature>`),
    ],
    [
      'with two References',
      () =>
        resigned(
          /(<ds:Reference .*<\/ds:Reference>)/s,
          /<ds:Reference .*<\/ds:Reference>/s.exec(textOf(signed()))![0].repeat(2),
        ),
    ],
    ['without a Reference', () => resigned(/<ds:Reference .*<\/ds:Reference>/s, '')],
    ['over another document', () => resigned('URI=""', 'URI="http://example.org/"')],
    ['over an element that is not there', () => resigned('URI=""', 'URI="#nobody"')],
    ['over an XPointer', () => resigned('URI=""', 'URI="#xpointer(/)"')],
    ['over nothing', () => resigned(' URI=""', '')],
    ['with an attribute more', () => resigned('URI=""', 'Type="urn:x" URI=""')],
    ['with text between', () => edited('<ds:SignedInfo>', 'x<ds:SignedInfo>')],
    [
      'with SignedInfo in another namespace',
      () => edited(/<ds:SignedInfo>(.*)<\/ds:SignedInfo>/s, '<ns0:SignedInfo></ns0:SignedInfo>'),
    ],
    [
      'with SignedInfo twice',
      () =>
        edited(
          '<ds:SignatureValue>',
          `${/<ds:SignedInfo>.*<\/ds:SignedInfo>/s.exec(textOf(signed()))![0]}<ds:SignatureValue>`,
        ),
    ],
    [
      'with parts in another order',
      () => edited(/(<ds:SignatureValue>.*<\/ds:SignatureValue>)(<ds:KeyInfo>.*<\/ds:KeyInfo>)/s, ''),
    ],
    ['with a bare key', () => edited(/<ds:X509Data>.*<\/ds:X509Data>/s, '<ds:KeyValue></ds:KeyValue>')],
    [
      'with a bare key beside the certificates',
      () => edited('<ds:X509Data>', '<ds:KeyName>x</ds:KeyName><ds:X509Data>'),
    ],
    ['without certificates', () => edited(/<ds:X509Certificate>.*<\/ds:X509Certificate>/s, '')],
    [
      'with too many certificates',
      () => signed({ certificates: Array.from({ length: 9 }, () => vendor.rimPath[0]) }),
    ],
    [
      'with a certificate that is not base64',
      () => edited(/<ds:X509Certificate>.{4}/, '<ds:X509Certificate>é***'),
    ],
    ['with a comment inside a value', () => edited(/<ds:DigestValue>/, '<ds:DigestValue><!-- -->')],
    ['with an element inside a value', () => edited(/<ds:DigestValue>/, '<ds:DigestValue><ds:X/>')],
    [
      'with a parameter of an algorithm',
      () => resigned('></ds:CanonicalizationMethod>', '><ds:X></ds:X></ds:CanonicalizationMethod>'),
    ],
    [
      'with no transforms',
      () => resigned(/<ds:Transforms>.*<\/ds:Transforms>/s, '<ds:Transforms></ds:Transforms>'),
    ],
    [
      'with one more transform',
      () =>
        resigned(
          '</ds:Transforms>',
          '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"></ds:Transform></ds:Transforms>',
        ),
    ],
  ])('%s', (_what, xml) => {
    expect(() => isValid(xml())).toThrow(malformed)
  })

  it('over an ID that two elements have', () => {
    const options: FakeRimOptions = {
      editDocument: (xml) =>
        xml
          .replace(' name="GH100"', ' id="root" name="GH100"')
          .replace('<ns0:Entity', '<ns0:Entity ID="root"'),
      editSignedInfo: (xml) => xml.replace('URI=""', 'URI="#root"'),
    }
    expect(() => isValid(signed(options))).toThrow(malformed)
  })

  it('over an ID of another element than the root', () => {
    const options: FakeRimOptions = {
      editDocument: (xml) => xml.replace('<ns0:Entity', '<ns0:Entity Id="part"'),
      editSignedInfo: (xml) => xml.replace('URI=""', 'URI="#part"'),
    }
    expect(() => isValid(signed(options))).toThrow(malformed)
  })

  it.each<[string, string | RegExp, string]>([
    [
      'exclusive canonicalisation',
      /(CanonicalizationMethod Algorithm=")[^"]*/,
      'CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#',
    ],
    [
      'canonicalisation with comments',
      /(CanonicalizationMethod Algorithm=")[^"]*/,
      'CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11#WithComments',
    ],
    ['HMAC with a key of the attacker', 'xmldsig-more#ecdsa-sha384', 'xmldsig-more#hmac-sha384'],
    ['RSA', 'xmldsig-more#ecdsa-sha384', 'xmldsig-more#rsa-sha384'],
    ['SHA-1', 'http://www.w3.org/2001/04/xmldsig-more#sha384', 'http://www.w3.org/2000/09/xmldsig#sha1'],
    [
      'XSLT',
      'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
      'http://www.w3.org/TR/1999/REC-xslt-19991116',
    ],
  ])('with %s', (_what, from, to) => {
    expect(() => isValid(resigned(from, to))).toThrow(algorithm)
  })

  it('whose base64 has a second spelling', () => {
    const value = toBase64(Uint8Array.of(1))
    expect(() => isValid(edited(/<ds:DigestValue>[^<]*/, `<ds:DigestValue>${value.slice(0, 1)}R==`))).toThrow(
      malformed,
    )
  })
})
