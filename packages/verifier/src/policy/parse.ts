import { equalBytes, fromUtf8, toHex } from '@sotto/protocol/bytes'
import {
  areDistinct,
  base64url,
  boolean,
  canonicalJson,
  hex,
  integer,
  jcsError,
  label,
  list,
  literal,
  object,
  oneOf,
  parseStrictJson,
  refine,
  text,
  type Decoder,
} from '@sotto/protocol/jcs'
import type { EvidenceFamily } from '@sotto/protocol/keyrelease'
import { parseVerifierKey } from '@sotto/protocol/note'
import { verifierError } from '../errors.ts'
import { findRequireDefect, STEP_NAMES } from './steps.ts'
import type { AllowedKem, TrustPolicy } from './types.ts'

/** Longest policy file. */
const MAX_POLICY_BYTES = 262_144

const decoder: Decoder<TrustPolicy> = refine(
  object({
    version: literal(1),
    name: label(64),
    require: list(oneOf(...STEP_NAMES), 1, STEP_NAMES.length),
    genesis: hex(32),
    releaseKeys: list(base64url(32), 1, 16),
    revoked: list(hex(48), 0, 1024),
    minSecurityVersion: object({ kms: integer(0), inference: integer(0) }),
    log: object({ origin: label(256), key: text(256) }),
    witnesses: object({
      keys: list(object({ key: text(256), organisation: label(64), operator: boolean() }), 1, 32),
      quorum: integer(1, 32),
      allowOperatorWitnesses: boolean(),
    }),
    roots: list(object({ family: oneOf<EvidenceFamily>('software', 'snp'), root: hex(32) }), 1, 16),
    kems: list(oneOf<AllowedKem>('X-Wing', 'X25519', 'P-384'), 1, 3),
    evidenceMaxAgeSeconds: integer(1, 86_400),
    checkpointMaxAgeSeconds: integer(1, 3600),
  }),
  findContradiction,
)

/**
 * Reads a trust policy its owner wrote: JSON with any white space, otherwise strict. Every pinned
 * key must parse, nothing stands twice, software roots never stand beside hardware roots (T10), and
 * no required step is forgotten.
 *
 * @throws `POLICY_MALFORMED` (fix-input) naming the member
 */
export function parseTrustPolicy(input: Uint8Array | string | object): TrustPolicy {
  try {
    const value = toValue(input)
    requireList(value)
    return decoder(value, 'policy')
  } catch (cause) {
    const { message, expected, found } = cause as { message: string; expected?: string; found?: string }
    throw verifierError('POLICY_MALFORMED', `trust policy is malformed: ${message}`, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      hint: 'a policy is a JSON document; sotto up writes one, docs/verify.md says what stands in it',
      cause,
    })
  }
}

function toValue(input: Uint8Array | string | object): unknown {
  if (typeof input === 'object' && !(input instanceof Uint8Array)) return input
  return parseStrictJson(typeof input === 'string' ? input : fromUtf8(input), { maxBytes: MAX_POLICY_BYTES })
}

/** Policies written before there was a list have none; what each of them meant to require is for its owner to say. */
function requireList(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  if (Object.hasOwn(value, 'require')) return
  throw jcsError(
    'JCS_FIELD',
    'policy.require is missing: name every step that must pass',
    'a list',
    'nothing',
  )
}

/** The policy as its canonical bytes, for digests and for writing. */
export function encodeTrustPolicy(policy: TrustPolicy): Uint8Array {
  return canonicalJson(policy)
}

/** Says what contradicts itself in a policy, or nothing. Whatever stands twice would count twice. */
function findContradiction({
  require,
  releaseKeys,
  revoked,
  log,
  witnesses,
  roots,
  kems,
}: TrustPolicy): string | undefined {
  const defect = findRequireDefect(require)
  if (defect !== undefined) return defect
  const logKey = parseVerifierKey(log.key)
  if (logKey.type !== 'ed25519') return 'the log key is a witness key'
  const keys = witnesses.keys.map(({ key }) => parseVerifierKey(key))
  if (keys.some(({ type }) => type !== 'cosignature-v1')) return 'a witness key is a log key'
  if (!areDistinct(keys.map(({ publicKey }) => toHex(publicKey)))) return 'a witness key stands twice'
  if (keys.some(({ publicKey }) => equalBytes(publicKey, logKey.publicKey)))
    return 'the log is one of its witnesses'
  if (witnesses.quorum > keys.length) return 'quorum is larger than the number of witnesses'
  const operators = new Set(
    witnesses.keys.filter(({ operator }) => operator).map(({ organisation }) => organisation),
  )
  if (witnesses.keys.some(({ operator, organisation }) => !operator && operators.has(organisation)))
    return 'an organisation is the operator and is not'
  if (new Set(roots.map(({ family }) => family === 'software')).size > 1)
    return 'software and hardware roots in one policy'
  if (!areDistinct(roots.map(({ family, root }) => `${family} ${root}`))) return 'a root stands twice'
  if (!areDistinct(releaseKeys)) return 'a release key stands twice'
  if (!areDistinct(revoked)) return 'a revoked measurement stands twice'
  if (!areDistinct(kems)) return 'a key encapsulation stands twice'
  // A step that may be skipped is left out only where the rest of the policy says why.
  if (!witnesses.allowOperatorWitnesses && !require.includes('log.witnesses-independent'))
    return 'require must name log.witnesses-independent: witnesses of the operator do not count here'
  if (roots.some(({ family }) => family !== 'software') && !require.includes('hardware.cpu-vendor'))
    return 'require must name hardware.cpu-vendor: hardware roots stand for a vendor'
  return undefined
}
