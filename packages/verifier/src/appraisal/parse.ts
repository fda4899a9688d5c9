import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  areDistinct,
  canonicalJson,
  type Decoder,
  integer,
  jcsError,
  label,
  list,
  literal,
  members,
  object,
  oneOf,
  parseCanonicalJson,
  parseStrictJson,
  text,
} from '@sotto/protocol/jcs'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { verifierError } from '../errors.ts'
import { type Families, FAMILY_REGISTRY } from './families.ts'
import { namesParavisor } from '../azure-cvm/paravisor.ts'
import { isHardwareFamily, isProcessorFamily } from './bindings.ts'
import type { AdmissionTuple, Component, EvidencePolicy, JsonObject, PolicyFamily, Window } from './types.ts'
import { checkWindows, findWindowDefect, resolveWindows } from './windows.ts'

/** Longest evidence policy: allow-lists of a large fleet, one chip 130 characters. */
const MAX_POLICY_BYTES = 1_048_576
/** A tuple costs a verification of its own; more are a fleet that should be several policies. */
const MAX_TUPLES = 16
const MAX_COMPONENTS = 4
/** GPUs of one machine. */
const MAX_GPUS = 16
const DAY_SECONDS = 86_400
const YEAR_SECONDS = 366 * DAY_SECONDS

/**
 * Reads an evidence policy its owner wrote: JSON with any white space, otherwise strict. Every family's
 * part is read by that family; nothing stands twice, no GPU stands without a processor that commits to
 * it (T9), and software never stands beside hardware (T10).
 *
 * @throws `POLICY_MALFORMED` (fix-input) naming the member
 */
export function parseEvidencePolicy(
  input: Uint8Array | string | object,
  families: Families = FAMILY_REGISTRY,
): EvidencePolicy {
  try {
    return evidencePolicyDecoder(families)(toValue(input), 'policy')
  } catch (cause) {
    const { message, expected, found } = cause as { message: string; expected?: string; found?: string }
    throw verifierError('POLICY_MALFORMED', `evidence policy is malformed: ${message}`, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      hint: 'docs/policy.md says what stands in an evidence policy',
      cause,
    })
  }
}

/** The policy as its canonical bytes, for digests and for writing. */
export function encodeEvidencePolicy(policy: EvidencePolicy): Uint8Array {
  return canonicalJson(policy)
}

/** SHA-256 of the canonical bytes: names exactly this policy. */
export function evidencePolicyDigest(policy: EvidencePolicy): Uint8Array {
  return publicCrypto.sha256(encodeEvidencePolicy(policy))
}

function toValue(input: Uint8Array | string | object): unknown {
  const limits = { maxBytes: MAX_POLICY_BYTES }
  // An object may have getters, cycles or numbers that no document can have.
  if (typeof input === 'object' && !(input instanceof Uint8Array))
    return parseCanonicalJson(canonicalJson(input), limits)
  return parseStrictJson(typeof input === 'string' ? input : fromUtf8(input), limits)
}

function evidencePolicyDecoder(families: Families): Decoder<EvidencePolicy> {
  return members<EvidencePolicy>(
    {
      version: literal(1),
      name: label(64),
      anyOf: admissionTuples(families),
      freshness: oneOf('nonce', 'age'),
      evidenceMaxAgeSeconds: integer(1, DAY_SECONDS),
    },
    {
      collateralMaxAgeSeconds: integer(1, YEAR_SECONDS),
      revocationMaxAgeSeconds: integer(1, YEAR_SECONDS),
    },
  )
}

/**
 * Reads a list of tuples of which one admits, wherever it stands: none twice, and hardware and software never
 * beside each other (T10).
 */
export function admissionTuples(families: Families = FAMILY_REGISTRY): Decoder<AdmissionTuple[]> {
  const decode = list(tupleDecoder(families), 1, MAX_TUPLES)
  return (value, path) => {
    const anyOf = decode(value, path)
    if (!areDistinct(anyOf.map(({ name }) => name))) throw contradiction(path, 'a tuple name stands twice')
    const contents = anyOf.map(({ name: _name, ...content }) => fromUtf8(canonicalJson(content)))
    if (!areDistinct(contents)) throw contradiction(path, 'a tuple stands twice under two names')
    const software = anyOf.filter(({ allOf }) => allOf.some(({ family }) => family === 'software'))
    if (software.length > 0 && software.length < anyOf.length)
      throw contradiction(path, 'software and hardware in one policy')
    return anyOf
  }
}

const instant = integer(0)

function tupleDecoder(families: Families): Decoder<AdmissionTuple> {
  const decode = members<AdmissionTuple>(
    { name: text(64, /^[a-z0-9][a-z0-9.-]*$/), allOf: list(componentDecoder(families), 1, MAX_COMPONENTS) },
    {
      gpuBinding: object({ minGpus: integer(1, MAX_GPUS), maxGpus: integer(1, MAX_GPUS) }),
      notBefore: instant,
      notAfter: instant,
    },
  )
  return (value, path) => {
    const tuple = decode(value, path)
    const defect = findTupleDefect(tuple)
    if (defect !== undefined) throw contradiction(path, defect)
    return tuple
  }
}

/** What is wrong with a tuple as a whole, or nothing. */
export function findTupleDefect({ allOf, gpuBinding, ...window }: AdmissionTuple): string | undefined {
  const names = allOf.map(({ family }) => family)
  if (!areDistinct(names)) return 'a family stands twice'
  if (!names.some(isProcessorFamily)) return 'a GPU alone is never acceptable: name the processor beside it'
  if (names.includes('software') && names.length > 1) return 'software and hardware in one tuple'
  // Two would be two machines, of which one has the program and the other the firmware.
  if (names.filter(isHardwareFamily).length > 1) return 'two processors: name one in each tuple'
  if (names.includes('nvidia') && gpuBinding === undefined)
    return 'gpuBinding is missing: say how many GPUs the processor vouches for'
  if (!names.includes('nvidia') && gpuBinding !== undefined) return 'gpuBinding without a GPU'
  if (gpuBinding !== undefined && gpuBinding.minGpus > gpuBinding.maxGpus)
    return 'minGpus is larger than maxGpus'
  return findWindowDefect(window as Window)
}

/** The family's own decoder reads what is left once the windows are taken off. */
function componentDecoder(families: Families): Decoder<Component> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw jcsError('JCS_FIELD', `${path} is malformed`, 'an object')
    const family = oneOf<PolicyFamily>(...families.keys())((value as JsonObject)['family'], `${path}.family`)
    const { decodePolicy, members } = families.get(family)!
    const { family: _, ...own } = value as JsonObject
    checkWindows(own, members, path)
    decodePolicy(resolveWindows(own, members).policy, path)
    if (family === 'azure-cvm' && !namesParavisor(own))
      throw contradiction(
        path,
        'nothing tells Microsoft’s paravisor from any other guest: name snp.measurements, tdx.mrTd or requireAkCertificate',
      )
    return value as Component
  }
}

function contradiction(path: string, what: string): Error {
  return jcsError('JCS_FIELD', `${path} contradicts itself: ${what}`)
}
