import { fromUtf8 } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import {
  type ArtifactKeyImport,
  artifactImportInfo,
  documentDigest,
  encodeDocument,
  type KeyReleasePolicy,
  PAYLOAD_TYPES,
  wrapSecret,
} from '@sotto/protocol/keyrelease'
import {
  type ModelRemoval,
  type ModelStatement,
  sealedModelError,
  signOwnerDocument,
} from '@sotto/protocol/sealed-models'
import type { TrustedService } from '@sotto/verifier'
import type { ModelOwner } from './owner.ts'
import type { SealedModel } from './seal.ts'

/** What a statement says besides what the sealed model says itself. */
export interface StatementAbout {
  name: string
  version: number
  policy: KeyReleasePolicy | undefined
  createdAt: number
  expiresAt: number | undefined
}

/** Who may open the model: the owner's own policy, or what the members of the deployment accepted. */
export function policyDigest(policy: KeyReleasePolicy | undefined, service: TrustedService): string {
  return policy === undefined ? service.keyPolicyDigest : documentDigest(policy)
}

/** The owner's statement about a sealed model: exactly what the log will hold. */
export function signStatement(
  model: SealedModel,
  owner: ModelOwner,
  service: TrustedService,
  { name, version, policy, createdAt, expiresAt }: StatementAbout,
): string {
  const statement: ModelStatement = {
    format: 'sotto-model-statement/1',
    genesis: service.genesis,
    owner: owner.key,
    name,
    version,
    artifact: model.id,
    digest: model.digest,
    bytes: model.bytes,
    model: model.manifest.digest,
    task: model.manifest.task,
    policy: policyDigest(policy, service),
    createdAt,
    ...(expiresAt !== undefined && { expiresAt }),
  }
  return signOwnerDocument('statement', statement, owner.signer)
}

/** The content key on its way to the KMS: wrapped to the import key of its verified evidence, and to nothing else. */
export function signImport(
  artifact: string,
  owner: ModelOwner,
  service: TrustedService,
  { name, version, policy, createdAt }: Omit<StatementAbout, 'expiresAt'>,
): string {
  const about = {
    genesis: service.genesis,
    artifact,
    owner: owner.key,
    policy: policyDigest(policy, service),
  }
  const contentKey = owner.contentKey(artifact)
  const document: ArtifactKeyImport = {
    version: 1,
    ...about,
    ...(policy && { ownerPolicy: policy }),
    model: { name, version },
    createdAt,
    ...wrapSecret(service.importKey, artifactImportInfo(about), contentKey),
  }
  contentKey.fill(0)
  return fromUtf8(signDsse(PAYLOAD_TYPES.artifactKeyImport, encodeDocument(document), [owner.signer]))
}

/** The end of a model: for the registry and the log, and for the KMS, which destroys the content keys. */
export function signRemoval(
  owner: ModelOwner,
  { genesis }: TrustedService,
  about: Pick<ModelRemoval, 'name' | 'version' | 'createdAt'>,
): string {
  return signOwnerDocument(
    'removal',
    { format: 'sotto-model-removal/1', genesis, owner: owner.key, ...about },
    owner.signer,
  )
}

/** Everything that was ever logged can be shown again: only the very document counts. */
export function otherProof(what: string): Error {
  return sealedModelError('MODEL_SUBSTITUTED', `the service proved another ${what} than the one it was sent`)
}
