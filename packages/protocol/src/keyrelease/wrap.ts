import { fromBase64Url, toBase64Url } from '../bytes/index.ts'
import { SottoError } from '../errors/index.ts'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, HpkeSuite, type KemPrivateKey } from '../hpke/index.ts'
import type { KeyReleaseErrorCode } from './documents.ts'

const NO_AAD = new Uint8Array()

/** The one suite secrets travel under (T5): X-Wing, HKDF-SHA256, AES-256-GCM. */
export const WRAP_SUITE: HpkeSuite = new HpkeSuite(
  HPKE_KEM.X_WING,
  HPKE_KDF.HKDF_SHA256,
  HPKE_AEAD.AES_256_GCM,
)

/** A secret only one private key opens, in the spelling of our documents (base64url). */
export interface WrappedSecret {
  enc: string
  wrapped: string
}

/**
 * Wraps a secret to an X-Wing public key (base64url, as bindings carry it).
 *
 * @param info context both sides must agree on: `releaseInfo` or `artifactImportInfo`
 * @throws `WRAP_FAILED` (fix-input) when this is no X-Wing public key
 */
export function wrapSecret(publicKey: string, info: Uint8Array, secret: Uint8Array): WrappedSecret {
  try {
    const recipient = WRAP_SUITE.kem.importPublic(fromBase64Url(publicKey))
    const { enc, context } = WRAP_SUITE.setupSender(recipient, { info })
    return { enc: toBase64Url(enc), wrapped: toBase64Url(context.seal(NO_AAD, secret)) }
  } catch (cause) {
    throw wrapError('fix-input', 'the wrapping key is not an X-Wing public key', cause)
  }
}

/**
 * Opens what {@link wrapSecret} made. Everything that can be wrong is one error, so that the answer
 * tells a sender nothing about the key.
 *
 * @throws `WRAP_FAILED` (stop)
 */
export function unwrapSecret(
  privateKey: KemPrivateKey,
  info: Uint8Array,
  { enc, wrapped }: WrappedSecret,
): Uint8Array {
  try {
    const context = WRAP_SUITE.setupRecipient(privateKey, fromBase64Url(enc), { info })
    return context.open(NO_AAD, fromBase64Url(wrapped))
  } catch (cause) {
    throw wrapError('stop', 'the secret is wrapped to another key or for another purpose', cause)
  }
}

function wrapError(
  action: 'fix-input' | 'stop',
  message: string,
  cause: unknown,
): SottoError<KeyReleaseErrorCode> {
  return new SottoError<KeyReleaseErrorCode>('WRAP_FAILED', action, message, { cause })
}
