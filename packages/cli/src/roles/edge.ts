import type { ListenAt, LogPins, RoleConfig } from './types.ts'

/** Configuration of a log. Witnesses are asked at these addresses for each checkpoint. */
export function logConfig(role: {
  origin: string
  listen: ListenAt
  store: string
  witnesses: readonly { url: string; key: string }[]
  quorum: number
}): RoleConfig {
  const { origin, listen, store, witnesses, quorum } = role
  return { origin, listen, store, witnesses, quorum }
}

/** Configuration of a witness of one log. */
export function witnessConfig(role: {
  name: string
  listen: ListenAt
  store: string
  log: Pick<LogPins, 'origin' | 'key'>
}): RoleConfig {
  const { name, listen, store, log } = role
  return { name, listen, store, logs: [{ origin: log.origin, key: log.key }] }
}

/** Configuration of a registry of sealed models. */
export function registryConfig(role: {
  listen: ListenAt
  store: string
  genesis: string
  /** File of the owners who may publish. */
  owners: string
  logUrl: string
  log: LogPins
}): RoleConfig {
  const { listen, store, genesis, owners, log } = role
  return {
    listen,
    store,
    genesis,
    owners,
    log: { url: role.logUrl, origin: log.origin, key: log.key, witnesses: log.witnesses },
  }
}

/** Configuration of the boards of clean rooms. */
export function roomsConfig(role: {
  listen: ListenAt
  store: string
  genesis: string
  /** File of the owners who may open boards. */
  owners: string
}): RoleConfig {
  const { listen, store, genesis, owners } = role
  return { listen, store, genesis, owners }
}

/** Configuration of a relay before one gateway, which may be several enclaves that hold the same keys. */
export function relayConfig(role: {
  listen: ListenAt
  gateway: string
  enclaves: readonly string[]
  logUrl: string
  browserOrigins: readonly string[]
  requestBytes: number
}): RoleConfig {
  const [only, ...others] = role.enclaves
  return {
    listen: role.listen,
    gateways: { [role.gateway]: others.length === 0 ? only : role.enclaves },
    log: role.logUrl,
    browserOrigins: role.browserOrigins,
    limits: { requestBytes: role.requestBytes },
  }
}
