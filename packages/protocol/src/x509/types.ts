import type { EcdsaCurveName, Sha2Name } from '../crypto-backend/index.ts'

/** SubjectPublicKeyInfo of the kinds that vendors use. Its point or modulus is checked when it is first used. */
export type PublicKey =
  | {
      type: 'ec'
      curve: EcdsaCurveName
      /** Uncompressed. */
      point: Uint8Array
    }
  | {
      type: 'rsa'
      /** Big-endian without leading zeros, as the exponent. */
      modulus: Uint8Array
      exponent: Uint8Array
    }

/** Signature algorithms that are accepted anywhere; SHA-1 is not among them. */
export type SignatureAlgorithm =
  | { name: 'ecdsa'; hash: Sha2Name }
  | { name: 'rsa-pkcs1'; hash: Sha2Name }
  | {
      name: 'rsa-pss'
      /** Of the message and of MGF1. */
      hash: Sha2Name
      /** In bytes. */
      saltLength: number
    }

/** One extension (RFC 5280 Section 4.2). */
export interface Extension {
  critical: boolean
  /** Content of `extnValue`, DER of the extension's own type. */
  value: Uint8Array
}

/** An X.509 v3 certificate that was read. Nothing has been proven about it. */
export interface Certificate {
  /** The certificate as it came; all other arrays are views of it. */
  readonly der: Uint8Array
  /** What the signature covers. */
  readonly tbs: Uint8Array
  /** Big-endian without leading zeros, empty for 0, at most 20 bytes. */
  readonly serialNumber: Uint8Array
  /** DER of the Name: names are equal when these bytes are. */
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  /** `CN=…,O=…` in the order of the certificate: for messages, never for decisions. */
  readonly issuerText: string
  readonly subjectText: string
  /** commonName of the subject; undefined when it has none, or several. */
  readonly commonName: string | undefined
  /** Unix seconds; both ends belong to the validity. */
  readonly notBefore: number
  readonly notAfter: number
  /** DER of SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly publicKey: PublicKey
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
  /** By dotted object identifier. */
  readonly extensions: ReadonlyMap<string, Extension>
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | undefined } | undefined
  /** Bit `i` of RFC 5280 Section 4.2.1.3 is `1 << i`; see {@link KEY_USAGE}. */
  readonly keyUsage: number | undefined
  /** Dotted object identifiers. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly subjectKeyIdentifier: Uint8Array | undefined
  readonly authorityKeyIdentifier: Uint8Array | undefined
}

/** Bits of {@link Certificate.keyUsage} that something here asks for. */
export const KEY_USAGE = { digitalSignature: 1 << 0, keyCertSign: 1 << 5, cRLSign: 1 << 6 } as const

/** Extensions that {@link Certificate} has members for. */
export const EXTENSION = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const
