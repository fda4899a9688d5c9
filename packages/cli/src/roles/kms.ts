import type { Founders, ListenAt, LogPins, RoleConfig } from './types.ts'

/** What a KMS is configured with; it is the same wherever it runs but for addresses and its store. */
export interface KmsRole {
  /** Human name of the deployment. */
  name: string
  listen: ListenAt
  metrics?: ListenAt | undefined
  /** Folder of its sealed store, or the database that replicas share. */
  store: string | { postgres: { name: string } }
  /** Where the root secret comes from. Default: the TEE's sealing key. */
  root?: RoleConfig | undefined
  logUrl: string
  log: LogPins
  founders: Founders
  /** Only in the software TEE (T10). */
  softwareRoots?: readonly string[] | undefined
  /** Another dialect that is served too. */
  azure?: ListenAt | undefined
  expectGenesis?: string | undefined
}

/** Configuration of a KMS. */
export function kmsConfig(role: KmsRole): RoleConfig {
  const { log, founders } = role
  return {
    name: role.name,
    listen: role.listen,
    ...(role.metrics && { metrics: role.metrics }),
    store: role.store,
    ...(role.root && { root: role.root }),
    log: { url: role.logUrl, origin: log.origin, key: log.key },
    witnesses: log.witnesses,
    members: founders.members,
    threshold: founders.threshold,
    releaseKeys: founders.releaseKeys,
    ...(role.softwareRoots && { softwareRoots: role.softwareRoots }),
    ...(role.azure && { compat: { dialect: 'azure', listen: role.azure } }),
    ...(role.expectGenesis !== undefined && { expectGenesis: role.expectGenesis }),
  }
}
