import type { TrustPolicy } from '@sotto/verifier'
import type { ListenAt, RoleConfig } from './types.ts'

/** What a clean room is configured with; of the rest it has defaults. */
export interface RoomRole {
  listen: ListenAt
  metrics?: ListenAt | undefined
  /** Replicas of one KMS. */
  kmsUrls: readonly string[]
  logUrl: string
  policy: TrustPolicy
  boardsUrl: string
  /** What one query may take. */
  queries?: { memoryBytes: number; threads: number; seconds: number } | undefined
}

/** Configuration of a clean room; its bytes are measured. */
export function roomConfig(role: RoomRole): RoleConfig {
  return {
    listen: role.listen,
    ...(role.metrics && { metrics: role.metrics }),
    kms: { urls: role.kmsUrls },
    log: { url: role.logUrl },
    policy: role.policy,
    boards: { url: role.boardsUrl },
    ...(role.queries && { queries: role.queries }),
  }
}
