import { toHex } from '@sotto/protocol/bytes'
import { parseDsse, prepareVerifier, verifyDsse } from '@sotto/protocol/dsse'
import { SottoError } from '@sotto/protocol/errors'
import { decodeDocument, type Digest } from '@sotto/protocol/keyrelease'
import { PROVENANCE_PAYLOAD_TYPES, provenanceStatementDecoder } from '@sotto/protocol/provenance'
import { provenanceError } from './errors.ts'
import { IMAGE_SUBJECT, requireBuild } from './verify.ts'

/** A party that rebuilds images and signs what came out. */
export interface Rebuilder {
  /** Ed25519 public key, 32 bytes. */
  key: Uint8Array
  /** Whose it is. Two keys of one organisation are one rebuilder. */
  organisation: string
}

/** Envelopes looked at: more than any release has rebuilders, and each costs a signature. */
const MAX_STATEMENTS = 256

/**
 * The organisations, of those listed, that signed SLSA provenance with this very image as its result
 * (T15). Anything else among the envelopes counts zero: other images, other signers, other kinds of
 * statements and of builds, bytes that are none. A signer who is listed but not about this image is no refusal
 * either, since anybody may put envelopes into a log.
 *
 * @param envelopes DSSE from anywhere; at most 256 are looked at
 */
export function findRebuilders(
  envelopes: readonly Uint8Array[],
  image: Digest,
  rebuilders: readonly Rebuilder[],
): string[] {
  const keys = rebuilders.map(({ key }) => prepareVerifier(key))
  const organisations = new Map(rebuilders.map(({ key, organisation }) => [toHex(key), organisation]))
  const found = new Set<string>()
  for (const envelope of envelopes.slice(0, MAX_STATEMENTS)) {
    try {
      const { payload, signers } = verifyDsse(parseDsse(envelope), PROVENANCE_PAYLOAD_TYPES.provenance, keys)
      const statement = decodeDocument(payload, provenanceStatementDecoder, 'provenance')
      requireBuild(statement)
      const { subject } = statement
      if (subject.find(({ name }) => name === IMAGE_SUBJECT)?.digest.sha256 !== image) continue
      for (const signer of signers) found.add(organisations.get(toHex(signer))!)
    } catch (error) {
      if (!(error instanceof SottoError)) throw error
    }
  }
  return [...found].sort()
}

/**
 * Requires that at least `minimum` independent parties have rebuilt an image.
 *
 * @param minimum at least 1
 * @throws `PROVENANCE_REBUILDERS` (stop)
 */
export function requireRebuilders(
  envelopes: readonly Uint8Array[],
  image: Digest,
  rebuilders: readonly Rebuilder[],
  minimum: number,
): string[] {
  if (!Number.isSafeInteger(minimum) || minimum < 1) throw new TypeError('minimum must be at least 1')
  const found = findRebuilders(envelopes, image, rebuilders)
  if (found.length < minimum)
    throw provenanceError('PROVENANCE_REBUILDERS', 'too few independent parties rebuilt this image', {
      expected: `${minimum} of ${new Set(rebuilders.map(({ organisation }) => organisation)).size}`,
      found: found.length === 0 ? '0' : `${found.length}: ${found.join(', ')}`,
    })
  return found
}
