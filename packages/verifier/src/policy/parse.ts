import { acceptedDataUseDecoder } from '@sotto/protocol/data-use'
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
  members,
  object,
  oneOf,
  parseStrictJson,
  refine,
  text,
  type Decoder,
} from '@sotto/protocol/jcs'
import { parseVerifierKey } from '@sotto/protocol/note'
import { verifierError } from '../errors.ts'
import { admissionTuples } from '../appraisal/index.ts'
import { findRequireDefect, STEP_NAMES } from './steps.ts'
import type { AllowedKem, TrustPolicy } from './types.ts'

/** Apps a policy may name. */
const MAX_APPS = 16
/** Longest policy file. */
const MAX_POLICY_BYTES = 262_144
const YEAR_SECONDS = 366 * 86_400

const decoder: Decoder<TrustPolicy> = refine(
  members<TrustPolicy>(
    {
      version: literal(1),
      name: label(64),
      require: list(oneOf(...STEP_NAMES), 1, STEP_NAMES.length),
      genesis: hex(32),
      releaseKeys: list(base64url(32), 1, 16),
      revoked: list(text(128, /^[0-9a-f]{64,128}$/), 0, 1024),
      minSecurityVersion: members<TrustPolicy['minSecurityVersion']>(
        { kms: integer(0), inference: integer(0) },
        { room: integer(0) },
      ),
      log: object({ origin: label(256), key: text(256) }),
      witnesses: object({
        keys: list(object({ key: text(256), organisation: label(64), operator: boolean() }), 1, 32),
        quorum: integer(1, 32),
        allowOperatorWitnesses: boolean(),
      }),
      platforms: admissionTuples(),
      kems: list(oneOf<AllowedKem>('X-Wing', 'X25519', 'P-384'), 1, 3),
      evidenceMaxAgeSeconds: integer(1, 86_400),
      checkpointMaxAgeSeconds: integer(1, 3600),
    },
    {
      collateralMaxAgeSeconds: integer(1, YEAR_SECONDS),
      revocationMaxAgeSeconds: integer(1, YEAR_SECONDS),
      dataUse: acceptedDataUseDecoder,
      apps: list(hex(32), 1, MAX_APPS),
    },
  ),
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

/** Whether a policy accepts the software TEE; then it accepts nothing else (T10). */
export function acceptsSoftware({ platforms }: Pick<TrustPolicy, 'platforms'>): boolean {
  return platforms.some(({ allOf }) => allOf.some(({ family }) => family === 'software'))
}

/** Says what contradicts itself in a policy, or nothing. Whatever stands twice would count twice. */
function findContradiction({
  require,
  releaseKeys,
  revoked,
  log,
  witnesses,
  platforms,
  kems,
  dataUse,
  apps,
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
  if (!areDistinct(releaseKeys)) return 'a release key stands twice'
  if (!areDistinct(revoked)) return 'a revoked digest stands twice'
  if (!areDistinct(apps ?? [])) return 'an app stands twice'
  if (!areDistinct(kems)) return 'a key encapsulation stands twice'
  // A step that may be skipped is left out only where the rest of the policy says why.
  if (!witnesses.allowOperatorWitnesses && !require.includes('log.witnesses-independent'))
    return 'require must name log.witnesses-independent: witnesses of the operator do not count here'
  if (require.includes('keys.data-use') !== (dataUse !== undefined))
    return 'require names keys.data-use exactly where dataUse says what is accepted'
  if (require.includes('keys.app') !== (apps !== undefined))
    return 'require names keys.app exactly where apps says which are accepted'
  if (!acceptsSoftware({ platforms }) && !require.includes('hardware.cpu-vendor'))
    return 'require must name hardware.cpu-vendor: hardware stands for a vendor'
  return undefined
}
