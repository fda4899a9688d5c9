import { fromBase64Url, fromUtf8 } from '@sotto/protocol/bytes'
import type { RsaPublicKey } from '@sotto/protocol/crypto-backend'
import { type JsonValue, parseStrictJson } from '@sotto/protocol/jcs'
import { verifierError } from '../errors.ts'

/** Names of keys: the attestation key signs quotes, the endorsement key encrypts. */
const ATTESTATION_KEY = 'HCLAkPub'
/** Two stand in every report of today. */
const MAX_KEYS = 8
/** USER_DATA of NV index 0x01400002. */
const MAX_USER_DATA_BYTES = 64

type JsonObject = { readonly [name: string]: JsonValue }

/**
 * What the paravisor says about the virtual machine (openhcl_attestation_protocol,
 * `runtime_claims::RuntimeClaims`). Proven as far as the hardware report covers its hash, and the paravisor
 * is one that is trusted.
 */
export interface RuntimeData {
  /** Key identifiers, in order. */
  keyIds: string[]
  /** Public half of the attestation key of the virtual TPM. */
  attestationKey: RsaPublicKey
  /** `vm-configuration` as it stands there: members differ between versions. */
  vmConfiguration: JsonObject
  /** `user-data` as it stands there, hexadecimal of either case; undefined where the version has none. */
  userData: string | undefined
}

/**
 * Reads the runtime data. Members that are not known are left alone: their author is the measured
 * paravisor, and no member that is known changes its meaning with them. A name twice is refused.
 *
 * @throws `EVIDENCE_MALFORMED`, or an error of the JSON reader
 */
export function parseRuntimeData(bytes: Uint8Array): RuntimeData {
  const document = requireObject(parseStrictJson(fromUtf8(bytes)), 'the document')
  const keys = document['keys']
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw malformed('keys', `a list of at most ${MAX_KEYS}`)
  const named = (keys as readonly JsonValue[]).map((key) => {
    const jwk = requireObject(key, 'a key')
    return { id: requireText(jwk, 'kid'), jwk }
  })
  const attestationKeys = named.filter(({ id }) => id === ATTESTATION_KEY)
  const [only] = attestationKeys
  if (only === undefined || attestationKeys.length > 1)
    throw malformed(`key ${ATTESTATION_KEY}`, 'exactly one', `${attestationKeys.length}`)
  return {
    keyIds: named.map(({ id }) => id),
    attestationKey: readRsaKey(only.jwk),
    vmConfiguration: requireObject(document['vm-configuration'], 'vm-configuration'),
    userData: document['user-data'] === undefined ? undefined : readUserData(document),
  }
}

/** Bytes of `user-data`. */
export function userDataBytes(userData: string): Uint8Array {
  return Uint8Array.from({ length: userData.length / 2 }, (_, i) =>
    Number.parseInt(userData.slice(2 * i, 2 * i + 2), 16),
  )
}

function readRsaKey(jwk: JsonObject): RsaPublicKey {
  if (jwk['kty'] !== 'RSA') throw malformed('kty', 'RSA')
  return {
    modulus: fromBase64Url(requireText(jwk, 'n')),
    exponent: fromBase64Url(requireText(jwk, 'e')),
  }
}

function readUserData(document: JsonObject): string {
  const text = requireText(document, 'user-data')
  if (text.length > 2 * MAX_USER_DATA_BYTES || text.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(text))
    throw malformed('user-data', `hexadecimal of at most ${MAX_USER_DATA_BYTES} bytes`)
  return text
}

function requireObject(value: JsonValue | undefined, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what, 'an object')
  return value as JsonObject
}

function requireText(from: JsonObject, name: string): string {
  const value = from[name]
  if (typeof value !== 'string') throw malformed(name, 'text')
  return value
}

function malformed(what: string, expected: string, found?: string): Error {
  return verifierError('EVIDENCE_MALFORMED', `runtime data: ${what} is malformed`, {
    expected,
    ...(found !== undefined && { found }),
  })
}
