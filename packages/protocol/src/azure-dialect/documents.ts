import { type Decoder, hex, integer, label, list, literal, object, text } from '../jcs/index.ts'
import type { Digest, UnixSeconds } from '../keyrelease/index.ts'

/** DSSE payload types of what a KMS logs about this dialect. */
export const AZURE_PAYLOAD_TYPES = {
  service: 'application/vnd.sotto.azure-service+json',
  release: 'application/vnd.sotto.azure-release+json',
} as const

/**
 * Binds the certificate that clients of the dialect pin to one KMS: signed by its statement key, in the log.
 * Without it, that certificate is anybody's.
 */
export interface AzureService {
  version: 1
  genesis: Digest
  /** SHA-256 of the DER of the service certificate. */
  certificate: Digest
  notBefore: UnixSeconds
  notAfter: UnixSeconds
}

/** The KMS's record of one release in this dialect, in the log before the answer leaves (T4). */
export interface AzureRelease {
  version: 1
  genesis: Digest
  epoch: number
  keyId: number
  policy: Digest
  /** Name of the one tuple that admitted the token as a whole. */
  tuple: string
  /** SHA-256 of the attestation token. */
  token: Digest
  /** As in `ReleaseReceipt`. */
  hardware: string[]
  /** SHA-256 of the RSA modulus of the TPM key that the key was wrapped to. */
  wrapKey: Digest
  issuedAt: UnixSeconds
  notAfter: UnixSeconds
}

const digest = hex(32)
const keyId = integer(0, 255)

/** Reads an {@link AzureService}. */
export const azureServiceDecoder: Decoder<AzureService> = object<AzureService>({
  version: literal(1),
  genesis: digest,
  certificate: digest,
  notBefore: integer(),
  notAfter: integer(),
})

/** Reads an {@link AzureRelease}. */
export const azureReleaseDecoder: Decoder<AzureRelease> = object<AzureRelease>({
  version: literal(1),
  genesis: digest,
  epoch: integer(1),
  keyId,
  policy: digest,
  tuple: text(64, /^[a-z0-9][a-z0-9.-]*$/),
  token: digest,
  hardware: list(label(256), 1, 20),
  wrapKey: digest,
  issuedAt: integer(),
  notAfter: integer(),
})
