import { fromHex } from '../bytes/index.ts'
import { MAX_SUCCESSIONS } from '../custody/types.ts'
import { MAX_CONSTITUTIONS } from '../governance/types.ts'
import {
  canonicalJson,
  hex,
  integer,
  list,
  literal,
  members,
  object,
  parseCanonicalJson,
  text,
  type Decoder,
} from '../jcs/index.ts'
import {
  evidenceDecoder,
  kmsBindingDecoder,
  MAX_ENVELOPE_CHARACTERS,
  noteText,
} from '../keyrelease/decode.ts'
import type { ProvenStatement, TrustBundle } from './types.ts'

/** Longest accepted bundle. */
export const MAX_BUNDLE_BYTES: number = 1024 * 1024

/** Proofs of a tree of 2^53 leaves have at most 53 hashes, consistency proofs one more. */
const proof: Decoder<string[]> = list(hex(32), 0, 54)

/** A statement with its proof. */
export const provenStatementDecoder: Decoder<ProvenStatement> = object({
  envelope: text(MAX_ENVELOPE_CHARACTERS),
  index: integer(0),
  proof,
})

/** A bundle inside another document. */
export const trustBundleDecoder: Decoder<TrustBundle> = members<TrustBundle>(
  {
    version: literal(1),
    checkpoint: noteText,
    genesis: provenStatementDecoder,
    kms: object({
      evidence: evidenceDecoder,
      binding: kmsBindingDecoder,
      boundCheckpoint: noteText,
      consistency: proof,
      certificate: provenStatementDecoder,
    }),
    releases: list(provenStatementDecoder, 1, 32),
    governance: list(provenStatementDecoder, 0, MAX_CONSTITUTIONS),
    policy: provenStatementDecoder,
    keySet: provenStatementDecoder,
  },
  { roots: list(provenStatementDecoder, 1, MAX_SUCCESSIONS) },
)

/** Canonical bytes of a bundle: the same for everybody who asks. */
export function encodeTrustBundle(bundle: TrustBundle): Uint8Array {
  return canonicalJson(bundle)
}

/** Structure of a bundle the operator composed; nothing in it is trusted yet. @throws `JCS_MALFORMED`, `JCS_FIELD` */
export function parseTrustBundle(bytes: Uint8Array): TrustBundle {
  return trustBundleDecoder(parseCanonicalJson(bytes, { maxBytes: MAX_BUNDLE_BYTES }), 'bundle')
}

/** The hashes of a proof as bytes. */
export function proofHashes(hashes: readonly string[]): Uint8Array[] {
  return hashes.map(fromHex)
}
