import { toHex } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { SottoError } from '@sotto/protocol/errors'
import { decodeDocument, type Digest } from '@sotto/protocol/keyrelease'
import {
  IMAGE_BUILD_TYPE,
  PROVENANCE_PAYLOAD_TYPES,
  type ProvenanceStatement,
  provenanceStatementDecoder,
  sbomStatementDecoder,
} from '@sotto/protocol/provenance'
import { provenanceError } from './errors.ts'

/** What the verifier's owner accepts of a build. */
export interface BuilderPolicy {
  /** Ed25519 public keys, 32 bytes each: whose word on a build counts. */
  builderKeys: readonly Uint8Array[]
  /** `builder.id` must be one of these; absent: any builder that holds an accepted key. */
  builderIds?: readonly string[]
  /** The source must be one of these revisions (hexadecimal `gitCommit`); absent: any. */
  revisions?: readonly string[]
}

/** Name of the subject that is the measured image. */
export const IMAGE_SUBJECT = 'image'

/**
 * Verifies SLSA provenance of one image: signed by a pinned builder, about this image, and by a
 * builder and from a revision that the policy accepts. Where the envelope came from does not matter.
 *
 * @param envelope DSSE, as the log holds it
 * @param image SHA-256 of the image's manifest, lower-case hexadecimal
 * @returns the statement, proven to be the builder's word. That the word is true needs rebuilders.
 * @throws `PROVENANCE_INVALID` (stop)
 */
export function verifyProvenance(
  envelope: Uint8Array,
  image: Digest,
  policy: BuilderPolicy,
): ProvenanceStatement {
  const { builderKeys, builderIds, revisions } = policy
  const statement = authentic(() =>
    decodeDocument(
      verifyDsse(parseDsse(envelope), PROVENANCE_PAYLOAD_TYPES.provenance, builderKeys).payload,
      provenanceStatementDecoder,
      'provenance',
    ),
  )
  requireBuild(statement)
  requireImage(statement, image)
  const { id } = statement.predicate.runDetails.builder
  if (builderIds !== undefined && !builderIds.includes(id))
    throw provenanceError('PROVENANCE_INVALID', 'another builder made this image', {
      expected: builderIds.join(' or '),
      found: id,
    })
  if (revisions !== undefined) requireRevision(statement, revisions)
  return statement
}

/**
 * Verifies that a bill of materials is the one its signer made for this image.
 *
 * @param sbom the file as it lies, any size
 * @throws `PROVENANCE_INVALID` (stop)
 */
export function verifySbom(
  envelope: Uint8Array,
  sbom: Uint8Array,
  image: Digest,
  keys: readonly Uint8Array[],
): void {
  const statement = authentic(() =>
    decodeDocument(
      verifyDsse(parseDsse(envelope), PROVENANCE_PAYLOAD_TYPES.sbom, keys).payload,
      sbomStatementDecoder,
      'SBOM statement',
    ),
  )
  if (statement.image !== image)
    throw provenanceError('PROVENANCE_INVALID', 'the bill of materials is of another image', {
      expected: image,
      found: statement.image,
    })
  const found = toHex(publicCrypto.sha256(sbom))
  if (statement.sbom !== found)
    throw provenanceError('PROVENANCE_INVALID', 'the bill of materials is not the signed one', {
      expected: statement.sbom,
      found,
    })
}

/**
 * Whoever fetched, copied or scanned an image can say so as SLSA provenance too, under another build type.
 * @throws `PROVENANCE_INVALID` (stop)
 */
export function requireBuild({ predicate }: ProvenanceStatement): void {
  const { buildType } = predicate.buildDefinition
  if (buildType !== IMAGE_BUILD_TYPE)
    throw provenanceError('PROVENANCE_INVALID', 'the statement is not about a build of an image', {
      expected: IMAGE_BUILD_TYPE,
      found: buildType,
    })
}

function requireImage({ subject }: ProvenanceStatement, image: Digest): void {
  const found = subject.find(({ name }) => name === IMAGE_SUBJECT)?.digest.sha256
  if (found !== image)
    throw provenanceError('PROVENANCE_INVALID', 'the provenance is of another image', {
      expected: image,
      found: found ?? 'no image',
    })
}

/** Every source that the statement names by a commit must be an accepted one, and there must be one. */
function requireRevision({ predicate }: ProvenanceStatement, revisions: readonly string[]): void {
  const found = predicate.buildDefinition.resolvedDependencies.flatMap(({ digest }) =>
    Object.hasOwn(digest, 'gitCommit') ? [digest['gitCommit']!] : [],
  )
  if (found.length === 0 || !found.every((commit) => revisions.includes(commit)))
    throw provenanceError('PROVENANCE_INVALID', 'built from another revision', {
      expected: revisions.join(' or '),
      found: found.join(', ') || 'no revision',
    })
}

/** Whatever parsing or a signature refuses becomes one code, with its cause. */
export function authentic<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    throw provenanceError('PROVENANCE_INVALID', `the statement is not authentic: ${cause.message}`, {
      ...(cause.expected !== undefined && { expected: cause.expected }),
      ...(cause.found !== undefined && { found: cause.found }),
      cause,
    })
  }
}
