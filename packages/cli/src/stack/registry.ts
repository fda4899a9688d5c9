import { toBase64Url } from '@sotto/protocol/bytes'
import { writeWhole } from '@sotto/client/node'
import { type LogPins, registryConfig } from '../roles/index.ts'
import { startEdge } from './edge-roles.ts'
import type { RoleProcess } from './child.ts'
import type { Layout } from './layout.ts'
import type { LocalOwners } from './owners.ts'
import type { StateFolder } from './state.ts'

/** What an owner of this machine may keep in the registry of its own stack: as much as a laptop has. */
const LOCAL_QUOTA = { models: 256, bytes: 2 ** 40 }

/** What the registry of a local stack is started with. */
export interface LocalRegistry {
  layout: Layout
  state: StateFolder
  port: number
  genesis: string
  /** As the registry reaches it. */
  logUrl: string
  log: LogPins
  appendToken: string
  /** Who may publish, and open boards of rooms. */
  owners: LocalOwners
}

/** List of the owners who may keep something on this machine, written when its registry starts. */
export function ownersFile(state: StateFolder): string {
  return `${state.config('registry')}.owners`
}

/** Starts the registry of sealed models: untrusted, and a party of its own. */
export async function startRegistry(options: LocalRegistry): Promise<RoleProcess> {
  const { state, log } = options
  const { local, admitted } = options.owners
  const owners = ownersFile(state)
  // The owner of this machine may be among the others: a list in which a key stands twice is none.
  const keys = new Set([...(local === undefined ? [] : [toBase64Url(local)]), ...admitted])
  await writeWhole(owners, JSON.stringify({ owners: [...keys].map((key) => ({ key, ...LOCAL_QUOTA })) }))
  const config = registryConfig({
    listen: { host: '127.0.0.1', port: options.port },
    store: state.store('registry'),
    genesis: options.genesis,
    owners,
    logUrl: options.logUrl,
    log,
  })
  return startEdge(options, 'registry', config, { SOTTO_LOG_APPEND_TOKEN: options.appendToken })
}
