/** What owners of sealed artifacts sign for a KMS. */
import {
  base64url,
  hex,
  integer,
  literal,
  members,
  object,
  refine,
  text,
  type Decoder,
} from '../jcs/index.ts'
import { MAX_MODEL_VERSION, MODEL_NAME } from '../sealed-models/name.ts'
import { artifactId, wrapEnc } from './decode.ts'
import { consistentPolicyDecoder, documentDigest } from './documents.ts'
import type { ArtifactId, Digest, Ed25519Key, KeyReleasePolicy, UnixSeconds } from './types.ts'

/** One version of an owner's model. */
export interface ModelVersion {
  name: string
  /** 1 to 2^31. */
  version: number
}

/**
 * An owner's content key on its way into the KMS (`POST /v1/artifacts/{id}/key`), signed by the
 * owner. The first import of an id makes its key the owner; only that owner may import again.
 */
export interface ArtifactKeyImport {
  version: 1
  genesis: Digest
  artifact: ArtifactId
  owner: Ed25519Key
  /** Digest of the policy that says who may open the artifact: {@link ownerPolicy}, or one that members accepted. */
  policy: Digest
  /**
   * The owner's own policy. The content key leaves only to workloads whose evidence satisfies one whole tuple of it
   * and, besides, one of the policy that members have in force.
   */
  ownerPolicy?: KeyReleasePolicy
  /**
   * Which model of the owner the artifact is: what the KMS finds its key by when the owner removes that model. Absent
   * for an artifact that no registry shows, which is removed by its id.
   */
  model?: ModelVersion
  /** Digest of the contract under which alone the key leaves, run by run (see `contract/`): no `policy` releases it then. */
  contract?: Digest
  /** When the owner made it: a KMS that has a newer one of the same artifact does not take it. */
  createdAt: UnixSeconds
  /** HPKE (X-Wing, HKDF-SHA256, AES-256-GCM) to the import key of the KMS's binding. */
  enc: string
  /** Sealed 32-byte content key. HPKE info: see `artifactImportInfo`. */
  wrapped: string
}

/**
 * An owner's word that the KMS shall forget a content key (`DELETE /v1/artifacts/{id}/key`). It is final: no import of
 * this artifact by this owner is taken afterwards.
 */
export interface ArtifactKeyRemoval {
  version: 1
  genesis: Digest
  artifact: ArtifactId
  owner: Ed25519Key
  createdAt: UnixSeconds
}

/** Decodes {@link ArtifactKeyImport}. @throws `JCS_FIELD`, `POLICY_INVALID` */
export const artifactKeyImportDecoder: Decoder<ArtifactKeyImport> = refine(
  members<ArtifactKeyImport>(
    {
      version: literal(1),
      genesis: hex(32),
      artifact: artifactId,
      owner: base64url(32),
      policy: hex(32),
      createdAt: integer(1),
      enc: wrapEnc,
      wrapped: base64url(48),
    },
    {
      ownerPolicy: consistentPolicyDecoder,
      model: object({ name: text(63, MODEL_NAME), version: integer(1, MAX_MODEL_VERSION) }),
      contract: hex(32),
    },
  ),
  ({ genesis, policy, ownerPolicy, contract, model }) => {
    if (contract !== undefined && (ownerPolicy !== undefined || model !== undefined))
      return 'what is released under a contract is no model, and has no policy of its own'
    if (ownerPolicy === undefined) return undefined
    if (ownerPolicy.genesis !== genesis) return "the owner's policy is of another genesis"
    return documentDigest(ownerPolicy) === policy
      ? undefined
      : "policy is not the digest of the owner's policy"
  },
)

/** Decodes {@link ArtifactKeyRemoval}. @throws `JCS_FIELD` */
export const artifactKeyRemovalDecoder: Decoder<ArtifactKeyRemoval> = object({
  version: literal(1),
  genesis: hex(32),
  artifact: artifactId,
  owner: base64url(32),
  createdAt: integer(1),
})
