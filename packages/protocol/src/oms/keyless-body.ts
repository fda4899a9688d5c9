import { equalBytes, fromBase64, fromUtf8, toHex } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { base64, hex, list, literal, object, parseCanonicalJson } from '../jcs/index.ts'
import { pemToDer } from '../x509/index.ts'
import { omsError, refuseAs } from './errors.ts'
import type { LogEntry } from './keyless-entry.ts'
import { MAX_CERTIFICATE_BYTES, MAX_SIGNATURE_BYTES } from './types.ts'

/** The kind of entry that signers of models make. */
const KIND = 'dsse 0.0.1'
const digest = object({ algorithm: literal('sha256'), value: hex(32) })

/** `dsse` entry of version 0.0.1 (sigstore/rekor, pkg/types/dsse/v0.0.1). */
const bodyDecoder = object({
  apiVersion: literal('0.0.1'),
  kind: literal('dsse'),
  spec: object({
    // Over the envelope in the spelling that was sent to the log, which bundles do not keep.
    envelopeHash: digest,
    payloadHash: digest,
    signatures: list(
      object({
        signature: base64(8, MAX_SIGNATURE_BYTES),
        // PEM is a third longer than DER.
        verifier: base64(64, 2 * MAX_CERTIFICATE_BYTES),
      }),
      1,
      1,
    ),
  }),
})

/** What the log must have seen. */
export interface LoggedSignature {
  /** Of the DSSE envelope. */
  payload: Uint8Array
  signature: Uint8Array
  /** DER. */
  certificate: Uint8Array
}

/**
 * Refuses an entry that is about another envelope, signature or certificate than the bundle's: a time that a log vouches
 * for says nothing about what it did not see.
 *
 * @throws `OMS_LOG_BODY` (stop); `OMS_UNSUPPORTED` (fix-input) for another kind of entry than `dsse 0.0.1`
 */
export function requireSameSignature({ kind, body }: LogEntry, expected: LoggedSignature): void {
  if (kind !== KIND)
    throw omsError('OMS_UNSUPPORTED', 'the entry of the log is of a kind that is not verified', {
      expected: KIND,
      found: kind,
    })
  const { payloadHash, signature, certificate } = refuseAs(
    'OMS_LOG_BODY',
    'the entry of the log is no signature of an envelope',
    () => read(body),
  )
  const wanted = toHex(publicCrypto.sha256(expected.payload))
  if (payloadHash !== wanted)
    throw omsError('OMS_LOG_BODY', 'the log has another payload', { expected: wanted, found: payloadHash })
  requireSame('signature', expected.signature, signature)
  requireSame('certificate', expected.certificate, certificate)
}

function read(body: Uint8Array): { payloadHash: string; signature: Uint8Array; certificate: Uint8Array } {
  const { payloadHash, signatures } = bodyDecoder(parseCanonicalJson(body), 'body').spec
  const { signature, verifier } = signatures[0]!
  return {
    payloadHash: payloadHash.value,
    signature: fromBase64(signature),
    certificate: pemToDer(fromUtf8(fromBase64(verifier)), 'CERTIFICATE'),
  }
}

function requireSame(what: string, expected: Uint8Array, found: Uint8Array): void {
  if (equalBytes(expected, found)) return
  const name = (bytes: Uint8Array): string => toHex(publicCrypto.sha256(bytes))
  throw omsError('OMS_LOG_BODY', `the log has another ${what}`, {
    expected: `SHA-256 ${name(expected)}`,
    found: `SHA-256 ${name(found)}`,
  })
}
