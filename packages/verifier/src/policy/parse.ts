import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  base64url,
  boolean,
  canonicalJson,
  hex,
  integer,
  list,
  literal,
  object,
  oneOf,
  text,
  type Decoder,
} from '@sotto/protocol/jcs'
import type { EvidenceFamily } from '@sotto/protocol/keyrelease'
import { parseVerifierKey } from '@sotto/protocol/note'
import { verifierError } from '../errors.ts'
import type { AllowedKem, TrustPolicy } from './types.ts'

/** Longest policy file. */
const MAX_POLICY_BYTES = 262_144

const decoder: Decoder<TrustPolicy> = object({
  version: literal(1),
  name: text(64),
  genesis: hex(32),
  releaseKeys: list(base64url(32), 1, 16),
  revoked: list(hex(48), 0, 1024),
  minSecurityVersion: object({ kms: integer(0), inference: integer(0) }),
  log: object({ origin: text(256), key: text(256) }),
  witnesses: object({
    keys: list(object({ key: text(256), organisation: text(64), operator: boolean() }), 1, 32),
    quorum: integer(1, 32),
    allowOperatorWitnesses: boolean(),
  }),
  roots: list(object({ family: oneOf<EvidenceFamily>('software', 'snp'), root: hex(32) }), 1, 16),
  kems: list(oneOf<AllowedKem>('X-Wing', 'X25519', 'P-384'), 1, 3),
  evidenceMaxAgeSeconds: integer(1, 86_400),
  checkpointMaxAgeSeconds: integer(1, 3600),
})

/**
 * Reads a trust policy its owner wrote: JSON with any white space, otherwise strict. Every pinned
 * key must parse, and software roots never stand beside hardware roots (T10).
 *
 * @throws `POLICY_MALFORMED` (fix-input) naming the member
 */
export function parseTrustPolicy(input: Uint8Array | string | object): TrustPolicy {
  try {
    const policy = decoder(toValue(input), 'policy')
    for (const key of [policy.log.key, ...policy.witnesses.keys.map(({ key }) => key)]) parseVerifierKey(key)
    if (new Set(policy.roots.map(({ family }) => family === 'software')).size > 1)
      throw new Error('software and hardware roots in one policy')
    if (policy.witnesses.quorum > policy.witnesses.keys.length)
      throw new Error('quorum is larger than the number of witnesses')
    return policy
  } catch (cause) {
    const { message, expected, found } = cause as { message: string; expected?: string; found?: string }
    throw verifierError('POLICY_MALFORMED', `trust policy is malformed: ${message}`, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      hint: 'a policy is a JSON document; sotto up writes one',
      cause,
    })
  }
}

function toValue(input: Uint8Array | string | object): unknown {
  if (typeof input === 'object' && !(input instanceof Uint8Array)) return input
  const json = typeof input === 'string' ? input : fromUtf8(input)
  if (json.length > MAX_POLICY_BYTES) throw new Error('document is too long')
  return JSON.parse(json)
}

/** The policy as its canonical bytes, for digests and for writing. */
export function encodeTrustPolicy(policy: TrustPolicy): Uint8Array {
  return canonicalJson(policy)
}
