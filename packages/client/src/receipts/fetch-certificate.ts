import { fromBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse } from '@sotto/protocol/dsse'
import { decodeDocument, type Digest, releaseReceiptDecoder } from '@sotto/protocol/keyrelease'
import { parseReceiptCertificate, type ReceiptCertificate } from '@sotto/protocol/receipts'
import { clientError } from '../errors.ts'
import { readBounded } from '../streams.ts'

/** Inner path of the certificate. */
const CERTIFICATE_PATH = '/sotto/receipt-certificate'

/** Largest accepted certificate: four logged statements with proofs. */
const MAX_CERTIFICATE_BYTES = 262_144

/** Each enclave behind a gateway has its own receipt key, and a request reaches any of them. */
const ATTEMPTS = 4

/** Which certificate: DSSE key id that signed the receipt, and the `evidence` the receipt names. */
export interface CertificateName {
  keyId: string
  evidence: Digest
}

/**
 * Fetches, over the encryption, the certificate of one receipt key for one release: an enclave that
 * renewed its attestation since still has the one before. Nothing in it is verified here.
 * @throws `RECEIPT_UNPROVEN` no enclave reached has it
 */
export async function fetchCertificate(
  name: CertificateName,
  send: (path: string) => Promise<Response>,
): Promise<ReceiptCertificate> {
  let cause: unknown
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const response = await send(`${CERTIFICATE_PATH}?evidence=${name.evidence}`)
      const bytes = await readBounded(response.body, MAX_CERTIFICATE_BYTES)
      // Another enclave than the one that signed.
      if (response.status === 404) continue
      if (response.status !== 200 || bytes === undefined) throw new Error(`inner status ${response.status}`)
      const certificate = parseReceiptCertificate(bytes)
      if (receiptKeyId(certificate) === name.keyId) return certificate
    } catch (error) {
      cause = error
      break
    }
  }
  throw clientError('RECEIPT_UNPROVEN', 'the certificate of the receipt key could not be fetched', { cause })
}

function receiptKeyId(certificate: ReceiptCertificate): string {
  const { payload } = parseDsse(utf8(certificate.release.envelope))
  const { receiptKey } = decodeDocument(payload, releaseReceiptDecoder, 'release')
  return toHex(crypto.sha256(fromBase64Url(receiptKey)))
}
