import type { DataUse } from '@sotto/protocol/data-use'
import type { TrustPolicy } from '@sotto/verifier'
import type { ListenAt, RoleConfig } from './types.ts'

/** A file that the enclave opens with a key of the KMS. */
export interface SealedFile {
  /** Artifact id. */
  id: string
  /** Plain name in its folder. */
  file: string
}

/** The own app of a deployment, as the enclave is told of it. */
export interface AppRole {
  name: string
  /** Untrusted folder of the files below. */
  directory: string
  /** A tar; `sha256` is of it in clear, `artifact` says that the file is sealed. */
  code: { file: string; sha256: string; artifact?: string }
  command: readonly string[]
  env: Readonly<Record<string, string>>
  port: number
  healthcheck: { path: string; startSeconds: number }
  /** `names` are exactly the variables in it: they are measured, and it sets no other. */
  secrets?: { file: string; artifact: string; names: readonly string[] }
  memoryBytes: number
}

/** What an inference enclave is configured with. */
export interface InferenceRole {
  listen: ListenAt
  metrics?: ListenAt | undefined
  kmsUrls: readonly string[]
  logUrl: string
  registryUrl?: string | undefined
  /** Clean rooms that their parties reach through it. */
  rooms?: { boardsUrl: string; roomUrl: string } | undefined
  policy: TrustPolicy
  /** Folder of the sealed models. */
  modelsFolder: string
  models: readonly SealedFile[]
  /** Models of owners that are loaded ahead, `<tag>/<name>`. Default none. */
  pinned?: readonly string[] | undefined
  aliases: Readonly<Record<string, string>>
  dataUse: DataUse
  maxUploadBytes: number
  app?: AppRole | undefined
  /** Unix seconds after which it serves nobody. */
  expiresAt?: number | undefined
  compat?: 'azure' | undefined
}

/** Configuration of an inference enclave; its bytes are measured. */
export function inferenceConfig(role: InferenceRole): RoleConfig {
  const [kms] = role.kmsUrls
  return {
    listen: role.listen,
    ...(role.metrics && { metrics: role.metrics }),
    kms: role.kmsUrls.length === 1 ? { url: kms } : role.kmsUrls,
    log: { url: role.logUrl },
    ...(role.registryUrl !== undefined && { registry: { url: role.registryUrl } }),
    ...(role.rooms && { rooms: { boards: role.rooms.boardsUrl, room: role.rooms.roomUrl } }),
    policy: role.policy,
    models: {
      directory: role.modelsFolder,
      artifacts: role.models.map(({ id, file }) => ({ id, file })),
      ...(role.pinned?.length && { loaded: { pinned: role.pinned } }),
    },
    aliases: role.aliases,
    dataUse: role.dataUse,
    maxUploadBytes: role.maxUploadBytes,
    ...(role.app && { app: role.app }),
    ...(role.expiresAt !== undefined && { expiresAt: role.expiresAt }),
    ...(role.compat !== undefined && { compat: role.compat }),
  }
}
