import { concat, equalBytes, utf8 } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { findJwk, type Jwk, type JwsHeader, parseJwks, publicKeyOfJwk } from '@sotto/protocol/jose'
import { type Certificate, derToPem, parseCertificate, type PublicKey } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import type { Collateral } from '../family/index.ts'

/** Extension of a signing certificate that holds evidence about the enclave which made the key. */
const ENCLAVE_EVIDENCE = '1.3.6.1.4.1.311.105.1'
/** Evidence of Open Enclave: version, type and length (little-endian 4, 4 and 8 bytes), then the quote. */
const EVIDENCE_HEADER_BYTES = 16
const EVIDENCE_VERSION = 1
const EVIDENCE_SGX_QUOTE = 2
/** Header and report body of a quote (Intel SGX DCAP ECDSA quote, version 3): 48 and 384 bytes. */
const QUOTE_BODY = 48
const MIN_QUOTE_BYTES = 432

/** The key that a token names, with the certificate that Microsoft publishes for it. */
export interface SigningKey {
  publicKey: PublicKey
  certificate: Certificate
}

/** What a quote says about the enclave that holds a signing key. Nothing in it is verified but {@link bindsKey}. */
export interface SigningKeyQuote {
  quote: Uint8Array
  mrEnclave: Uint8Array
  mrSigner: Uint8Array
  isvSvn: number
  reportData: Uint8Array
  /** REPORTDATA is SHA-256 of the key in PEM with a NUL, then zeros. */
  bindsKey: boolean
}

/**
 * Keys of the one set that was given, by `kid`; none where none was. Anything else that was given is refused.
 *
 * @throws `JOSE_MALFORMED`, Refusal
 */
export function readKeySet(collateral: Collateral): ReadonlyMap<string, Jwk> {
  const pieces = Object.values(collateral)
  if (pieces.length > 1) throw new Refusal('more than a key set was given', '1 piece', `${pieces.length}`)
  return pieces[0] === undefined ? new Map<string, Jwk>() : parseJwks(pieces[0])
}

/** The key that the header names. @throws `JOSE_*` where there is none; Refusal of class `collateral-invalid` */
export function findSigningKey(keys: ReadonlyMap<string, Jwk>, header: JwsHeader): SigningKey {
  const jwk = findJwk(keys, header)
  const [der] = jwk.x5c ?? []
  if (der === undefined)
    throw new Refusal('the key comes without a certificate', 'x5c', undefined, 'collateral-invalid')
  try {
    return { publicKey: publicKeyOfJwk(jwk), certificate: parseCertificate(der) }
  } catch (error) {
    throw new Refusal(`the key: ${(error as Error).message}`, undefined, undefined, 'collateral-invalid')
  }
}

/**
 * The quote in a signing certificate; undefined where it has none. Whether a processor signed it is for
 * the SGX checks: {@link SigningKeyQuote.quote} is what they take. In key sets recorded in 2021 and 2022
 * that enclave runs in debug mode, so that even a genuine quote adds nothing to the word of Microsoft.
 *
 * @throws Refusal of class `collateral-invalid` for an extension that is no quote
 */
export function readSigningKeyQuote({ extensions, spki }: Certificate): SigningKeyQuote | undefined {
  const evidence = extensions.get(ENCLAVE_EVIDENCE)?.value
  if (evidence === undefined) return undefined
  const view = new DataView(evidence.buffer, evidence.byteOffset, evidence.length)
  const quote = evidence.subarray(EVIDENCE_HEADER_BYTES)
  const isQuote =
    quote.length >= MIN_QUOTE_BYTES &&
    view.getUint32(0, true) === EVIDENCE_VERSION &&
    view.getUint32(4, true) === EVIDENCE_SGX_QUOTE &&
    view.getBigUint64(8, true) === BigInt(quote.length)
  if (!isQuote)
    throw new Refusal(
      'the certificate of the key has something other than a quote',
      undefined,
      undefined,
      'collateral-invalid',
    )
  const body = quote.subarray(QUOTE_BODY)
  const reportData = body.subarray(320, 384)
  const digest = publicCrypto.sha256(utf8(derToPem(spki, 'PUBLIC KEY')), Uint8Array.of(0))
  return {
    quote,
    mrEnclave: body.subarray(64, 96),
    mrSigner: body.subarray(128, 160),
    isvSvn: body[258]! + body[259]! * 256,
    reportData,
    bindsKey: equalBytes(reportData, concat(digest, new Uint8Array(32))),
  }
}
