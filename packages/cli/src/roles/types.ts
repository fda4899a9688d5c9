import type { Member } from '@sotto/protocol/keyrelease'

/** Address a role listens at. */
export interface ListenAt {
  host: string
  port: number
}

/** The public side of a log and its witnesses, as the other roles pin it. */
export interface LogPins {
  origin: string
  /** Verifier key of the log, C2SP signed-note. */
  key: string
  witnesses: { keys: readonly string[]; quorum: number }
}

/** Who decides about a KMS when it begins. */
export interface Founders {
  members: readonly Member[]
  threshold: number
  /** Keys whose release statements count, base64url. */
  releaseKeys: readonly string[]
}

/** A role's configuration file: JSON, of which the measured roles' bytes are measured. */
export type RoleConfig = Readonly<Record<string, unknown>>

/** The bytes of a configuration file, the same for the same content: their SHA-256 is what hardware reports of a measured role. */
export function encodeRoleConfig(config: object): string {
  // With a line end: Helm 4 loses the last line of a file that has none and whose size is a multiple of 4096.
  return `${JSON.stringify(config)}\n`
}
