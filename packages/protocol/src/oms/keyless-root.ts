import { fromBase64, fromUtf8, toHex } from '../bytes/index.ts'
import type { EcdsaCurveName } from '../crypto-backend/index.ts'
import {
  base64,
  type Decoder,
  jcsError,
  list,
  members,
  object,
  oneOf,
  parseStrictJson,
  text,
} from '../jcs/index.ts'
import { type Certificate, parseCertificate, parsePublicKey, type PublicKey } from '../x509/index.ts'
import { omsError, refuseAs } from './errors.ts'
import { MAX_CERTIFICATE_BYTES } from './types.ts'

/** Longest trusted root; that of Sigstore's public instance has 7 kB. */
export const MAX_OMS_TRUSTED_ROOT_BYTES = 262_144
/** Logs, or authorities, of one kind; the public instances have up to 4. */
const MAX_PARTIES = 32
/** Issuer of signers to root, with both; `verifyPath` follows 10 with the signer. */
const MAX_CHAIN = 8
/** SubjectPublicKeyInfo, or RSAPublicKey, of 4096 bits has 550. */
const MAX_KEY_BYTES = 1024

/** Unix seconds, with fractions. Both ends belong to it (sigstore protobuf-specs, TimeRange); infinite where none is stated. */
interface Validity {
  start: number
  end: number
}

/** A log that is trusted, of signatures (Rekor) or of certificates. */
export interface TrustedLog {
  /** Log identifier: SHA-256 of the key (RFC 6962 Section 3.2), hexadecimal. */
  id: string
  /** What its checkpoints name its key with, hexadecimal; their signatures have the first 4 bytes. */
  checkpointKeyId: string
  /** Undefined for a key of a kind that is not verified with here. */
  publicKey: PublicKey | undefined
  /** Name of that kind (PublicKeyDetails). */
  keyDetails: string
  validFor: Validity
}

/** An authority that certifies signers (Fulcio). */
export interface TrustedAuthority {
  /** Issuer of signers first, root last; one certificate where the root certifies them itself. */
  chain: readonly Certificate[]
  validFor: Validity
}

/** Whom a verifier of keyless signatures trusts: its own choice, never from a bundle. */
export interface OmsTrustedRoot {
  /** Logs of signatures. */
  logs: readonly TrustedLog[]
  /** Logs of certificates; none: the deployment has none, and its certificates are in none. */
  certificateLogs: readonly TrustedLog[]
  authorities: readonly TrustedAuthority[]
}

/** What a key may be (PublicKeyDetails): ECDSA with the hash of the curve. Ed25519 and RSA keys are of logs that nothing here reads. */
const CURVES: Readonly<Record<string, EcdsaCurveName>> = {
  __proto__: null as never,
  PKIX_ECDSA_P256_SHA_256: 'P-256',
  PKIX_ECDSA_P384_SHA_384: 'P-384',
  PKIX_ECDSA_P521_SHA_512: 'P-521',
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

/** Timestamp of protocol buffers in JSON (RFC 3339, UTC), in Unix seconds. */
const time: Decoder<number> = (value, path) => {
  const given = text(40, TIME)(value, path)
  const milliseconds = Date.parse(given)
  // Engines take the 30th of February for the 2nd of March.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 19) !== given.slice(0, 19))
    throw jcsError('JCS_FIELD', `${path} does not exist`, 'a time', given)
  return milliseconds / 1000
}

/** For people, or for services that are not asked: addresses, operators, names beside a certificate. */
const anything: Decoder<unknown> = (value) => value
const about = anything as Decoder<object>

const range = members<{ start?: number; end?: number }>({}, { start: time, end: time })
const logId = object({ keyId: base64(32) })

interface Log {
  baseUrl?: unknown
  hashAlgorithm: string
  publicKey: { rawBytes: string; keyDetails: string; validFor?: { start?: number; end?: number } }
  logId: { keyId: string }
  checkpointKeyId?: { keyId: string }
  operator?: unknown
}

const log = members<Log>(
  {
    hashAlgorithm: oneOf('SHA2_256'),
    publicKey: members<Log['publicKey']>(
      { rawBytes: base64(32, MAX_KEY_BYTES), keyDetails: text(64, /^[A-Z0-9_]+$/) },
      { validFor: range },
    ),
    logId,
  },
  { baseUrl: about, checkpointKeyId: logId, operator: about },
)

interface Authority {
  subject?: unknown
  uri?: unknown
  certChain: { certificates: { rawBytes: string }[] }
  validFor?: { start?: number; end?: number }
  operator?: unknown
}

const authority = members<Authority>(
  {
    certChain: object({
      certificates: list(object({ rawBytes: base64(16, MAX_CERTIFICATE_BYTES) }), 1, MAX_CHAIN),
    }),
  },
  { subject: about, uri: about, validFor: range, operator: about },
)

interface Root {
  mediaType: string
  tlogs: Log[]
  certificateAuthorities: Authority[]
  ctlogs?: Log[]
  timestampAuthorities?: unknown[]
}

const rootDecoder = members<Root>(
  {
    mediaType: oneOf(
      'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      'application/vnd.dev.sigstore.trustedroot.v0.1+json',
      'application/vnd.dev.sigstore.trustedroot.v0.2+json',
    ),
    tlogs: list(log, 1, MAX_PARTIES),
    certificateAuthorities: list(authority, 1, MAX_PARTIES),
  },
  {
    ctlogs: list(log, 0, MAX_PARTIES),
    timestampAuthorities: list(anything, 0, MAX_PARTIES) as Decoder<unknown[]>,
  },
)

/**
 * Reads a trusted root as Sigstore's tools write it, `trusted_root.json` (protobuf-specs, sigstore_trustroot.proto): at most
 * 256 KiB, unknown members refused. Logs with a key of a kind that is not verified with here are kept and refused where
 * they are needed. Authorities of timestamps are not read.
 *
 * @throws `OMS_TRUSTED_ROOT` (fix-input)
 */
export function parseOmsTrustedRoot(bytes: Uint8Array): OmsTrustedRoot {
  return refuseAs('OMS_TRUSTED_ROOT', 'no trusted root of Sigstore', () => {
    const json = parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_OMS_TRUSTED_ROOT_BYTES })
    const { tlogs, ctlogs = [], certificateAuthorities } = rootDecoder(json, 'root')
    return {
      logs: tlogs.map(logOf),
      certificateLogs: ctlogs.map(logOf),
      authorities: certificateAuthorities.map(({ certChain, validFor }) => ({
        chain: certChain.certificates.map(({ rawBytes }) => parseCertificate(fromBase64(rawBytes))),
        validFor: validityOf(validFor),
      })),
    }
  })
}

function logOf({ publicKey, logId: { keyId }, checkpointKeyId }: Log): TrustedLog {
  const { rawBytes, keyDetails, validFor } = publicKey
  const curve = CURVES[keyDetails]
  const key = curve === undefined ? undefined : parsePublicKey(fromBase64(rawBytes))
  if (key !== undefined && (key.type !== 'ec' || key.curve !== curve))
    throw omsError('OMS_TRUSTED_ROOT', 'a key of a log is not what it is called', {
      expected: keyDetails,
      found: key.type === 'ec' ? key.curve : key.type,
    })
  return {
    id: toHex(fromBase64(keyId)),
    checkpointKeyId: toHex(fromBase64((checkpointKeyId ?? { keyId }).keyId)),
    publicKey: key,
    keyDetails,
    validFor: validityOf(validFor),
  }
}

function validityOf({ start = -Infinity, end = Infinity }: { start?: number; end?: number } = {}): Validity {
  return { start, end }
}

/** Whether a time, Unix seconds, is within a validity. False for no number. */
export function isValidAt({ validFor: { start, end } }: { validFor: Validity }, at: number): boolean {
  return at >= start && at <= end
}

/** A validity for a message. */
export function validityText({ validFor: { start, end } }: { validFor: Validity }): string {
  const [from, to] = [start, end].map((one) => (Number.isFinite(one) ? dateText(one) : 'any time'))
  return `${from} to ${to}`
}

/** Unix seconds of a year up to 9999, for a message. */
export function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
