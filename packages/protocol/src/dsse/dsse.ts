import { concat, fromBase64, toBase64, toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto, type VerifyingKey } from '../crypto-backend/index.ts'
import { SottoError } from '../errors/index.ts'
import { base64, canonicalJson, hex, list, object, parseCanonicalJson, text } from '../jcs/index.ts'

/** Codes of {@link SottoError} thrown here. */
export type DsseErrorCode = 'DSSE_MALFORMED' | 'DSSE_TYPE' | 'DSSE_SIGNATURE'

/** A structurally valid envelope; nothing about its signatures is known. */
export interface DsseEnvelope {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signatures: readonly { readonly keyid: string; readonly sig: Uint8Array }[]
}

/** Who signs: an Ed25519 seed and its public key, 32 bytes each. */
export interface DsseSigner {
  publicKey: Uint8Array
  secretSeed: Uint8Array
}

/** A signer whose key is set up once, for many signatures. It holds no seed that could be read back. */
export interface PreparedSigner {
  readonly publicKey: Uint8Array
  /** DSSE key id: hexadecimal SHA-256 of `publicKey`. */
  readonly keyId: string
  sign(message: Uint8Array): Uint8Array
}

/** A signer's public key, set up once for many envelopes. */
export interface PreparedVerifier {
  readonly publicKey: Uint8Array
  readonly keyId: string
  verify(message: Uint8Array, signature: Uint8Array): boolean
}

/** Longest accepted envelope: a log entry holds at most 65535 bytes. */
const MAX_ENVELOPE_BYTES = 65_535
const MAX_SIGNATURES = 16

const envelopeDecoder = object({
  payload: base64(0, MAX_ENVELOPE_BYTES),
  payloadType: text(128, /^[\x21-\x7e]+$/),
  signatures: list(object({ keyid: hex(32), sig: base64(64) }), 1, MAX_SIGNATURES),
})

/** Pre-authentication encoding (DSSE v1): type and body are length-delimited, so neither can pose as the other. */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType)
  return concat(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload)
}

/** Sets a signer's key up. @throws `CRYPTO_BAD_KEY` */
export function prepareSigner({ publicKey, secretSeed }: DsseSigner): PreparedSigner {
  const key = publicCrypto.ed25519.importPrivate(secretSeed)
  return { publicKey, keyId: keyId(publicKey), sign: (message) => key.sign(message) }
}

/** Sets a public key up. It is checked when it is first used: a malformed one fits no signature. */
export function prepareVerifier(publicKey: Uint8Array): PreparedVerifier {
  let key: VerifyingKey | undefined
  return {
    publicKey,
    keyId: keyId(publicKey),
    verify(message, signature) {
      key ??= publicCrypto.ed25519.importPublic(publicKey)
      return key.verify(message, signature)
    },
  }
}

/** Signs a payload; the result is the envelope's canonical JSON, exactly what the log holds. */
export function signDsse(
  payloadType: string,
  payload: Uint8Array,
  signers: readonly (DsseSigner | PreparedSigner)[],
): Uint8Array {
  const message = pae(payloadType, payload)
  return canonicalJson({
    payload: toBase64(payload),
    payloadType,
    signatures: signers
      .map((signer) => ('sign' in signer ? signer : prepareSigner(signer)))
      .map((signer) => ({ keyid: signer.keyId, sig: toBase64(signer.sign(message)) })),
  })
}

/** Structure of an envelope from anywhere. @throws `DSSE_MALFORMED` (fix-input) */
export function parseDsse(bytes: Uint8Array): DsseEnvelope {
  try {
    const { payload, payloadType, signatures } = envelopeDecoder(
      parseCanonicalJson(bytes, { maxBytes: MAX_ENVELOPE_BYTES }),
      'envelope',
    )
    return {
      payloadType,
      payload: fromBase64(payload),
      signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: fromBase64(sig) })),
    }
  } catch (cause) {
    throw dsseError('DSSE_MALFORMED', 'fix-input', 'envelope is malformed', { cause })
  }
}

/**
 * The payload, proven to be signed as `expectedType` by at least `threshold` distinct accepted keys
 * (32-byte Ed25519). A key that signed twice counts once; unknown signers count zero.
 *
 * @throws `DSSE_TYPE`, `DSSE_SIGNATURE` (stop)
 */
export function verifyDsse(
  envelope: DsseEnvelope,
  expectedType: string,
  acceptedKeys: readonly (Uint8Array | PreparedVerifier)[],
  threshold = 1,
): { payload: Uint8Array; signers: Uint8Array[] } {
  if (!Number.isSafeInteger(threshold) || threshold < 1) throw new TypeError('threshold must be at least 1')
  if (envelope.payloadType !== expectedType) {
    throw dsseError('DSSE_TYPE', 'stop', 'envelope has another type', {
      expected: expectedType,
      found: envelope.payloadType,
    })
  }
  const message = pae(envelope.payloadType, envelope.payload)
  const signers = new Map<string, Uint8Array>()
  const accepted = new Map(
    acceptedKeys
      .map((key) => ('verify' in key ? key : prepareVerifier(key)))
      .map((key) => [key.keyId, key] as const),
  )
  for (const { keyid, sig } of envelope.signatures) {
    const key = accepted.get(keyid)
    if (key && !signers.has(keyid) && key.verify(message, sig)) signers.set(keyid, key.publicKey)
  }
  if (signers.size < threshold) {
    throw dsseError('DSSE_SIGNATURE', 'stop', 'envelope is not signed by enough accepted keys', {
      expected: `${threshold} of ${acceptedKeys.length} accepted keys`,
      found: `${signers.size}`,
    })
  }
  return { payload: envelope.payload, signers: [...signers.values()] }
}

/**
 * The payload, proven to be signed as `expectedType` by one of the accepted keys, and by nobody else: the envelope has that
 * one signature. So it has one digest, and nobody can hang bytes of their own on what another said.
 *
 * @throws `DSSE_TYPE`, `DSSE_SIGNATURE` (stop)
 */
export function verifySoleDsse(
  envelope: DsseEnvelope,
  expectedType: string,
  acceptedKeys: readonly (Uint8Array | PreparedVerifier)[],
): Uint8Array {
  const { payload } = verifyDsse(envelope, expectedType, acceptedKeys)
  if (envelope.signatures.length === 1) return payload
  throw dsseError('DSSE_SIGNATURE', 'stop', 'envelope has further signatures', {
    expected: '1',
    found: `${envelope.signatures.length}`,
  })
}

function keyId(publicKey: Uint8Array): string {
  return toHex(publicCrypto.sha256(publicKey))
}

/** A {@link SottoError} about an envelope. */
export function dsseError(
  code: DsseErrorCode,
  action: 'fix-input' | 'stop',
  message: string,
  options: { expected?: string; found?: string; cause?: unknown } = {},
): SottoError<DsseErrorCode> {
  return new SottoError<DsseErrorCode>(code, action, message, options)
}
