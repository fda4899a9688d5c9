import { concat } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { constructed, DerReader, TAG } from '@sotto/protocol/der'
import type { Certificate } from '@sotto/protocol/x509'

/** Longest nonce that responders must take (RFC 9654 Section 2.1). */
export const OCSP_NONCE_BYTES = 32

/** id-sha384 and id-pkix-ocsp-nonce, as content of OBJECT IDENTIFIER. */
const SHA384 = Uint8Array.of(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02)
const NONCE = Uint8Array.of(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02)

/**
 * An OCSPRequest (RFC 6960 Section 4.1.1) about one certificate, unsigned, with SHA-384 in the CertID, which
 * is what NVIDIA's responder looks certificates up by.
 *
 * @param nonce 1 to 32 fresh random bytes: the answer repeats it, so that it cannot be an old one
 */
export function encodeOcspRequest(
  certificate: Certificate,
  issuer: Certificate,
  nonce: Uint8Array,
): Uint8Array {
  if (nonce.length < 1 || nonce.length > OCSP_NONCE_BYTES)
    throw new RangeError(`a nonce has 1 to ${OCSP_NONCE_BYTES} bytes`)
  const certId = sequence(
    sequence(element(TAG.OID, SHA384), element(TAG.NULL)),
    element(TAG.OCTET_STRING, crypto.sha384(issuer.subject)),
    element(TAG.OCTET_STRING, crypto.sha384(keyBits(issuer))),
    element(TAG.INTEGER, signedInteger(certificate.serialNumber)),
  )
  const nonceValue = element(TAG.OCTET_STRING, element(TAG.OCTET_STRING, nonce))
  const extensions = sequence(sequence(element(TAG.OID, NONCE), nonceValue))
  // version is v1, the default, and requestorName is left out.
  return sequence(sequence(sequence(sequence(certId)), element(constructed(2), extensions)))
}

/** Value of subjectPublicKey without tag, length and unused bits: what issuerKeyHash is of. */
function keyBits(certificate: Certificate): Uint8Array {
  const info = new DerReader(certificate.spki).enter(TAG.SEQUENCE)
  info.element(TAG.SEQUENCE)
  return info.bitString()
}

/** Content of INTEGER of a number of 0 or more without leading zeros. */
function signedInteger(bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 || bytes[0]! >= 0x80 ? concat(Uint8Array.of(0), bytes) : bytes
}

function sequence(...content: readonly Uint8Array[]): Uint8Array {
  return element(TAG.SEQUENCE, ...content)
}

/** Requests have a few hundred bytes: lengths of one to three octets. */
function element(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content)
  const { length } = body
  const header =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return concat(Uint8Array.of(tag, ...header), body)
}
