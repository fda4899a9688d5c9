import { toBase64Url } from '@sotto/protocol/bytes'
import { writeWhole } from '@sotto/client/node'
import { type LogPins, registryConfig } from '../roles/index.ts'
import { startEdge } from './edge-roles.ts'
import type { RoleProcess } from './child.ts'
import type { Layout } from './layout.ts'
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
  /** Public key of the one owner who may publish; absent: nobody. */
  owner: Uint8Array | undefined
}

/** List of the owners who may keep something on this machine, written when its registry starts. */
export function ownersFile(state: StateFolder): string {
  return `${state.config('registry')}.owners`
}

/** Starts the registry of sealed models: untrusted, and a party of its own. */
export async function startRegistry(options: LocalRegistry): Promise<RoleProcess> {
  const { state, log, owner } = options
  const owners = ownersFile(state)
  await writeWhole(
    owners,
    JSON.stringify({
      owners: owner === undefined ? [] : [{ key: toBase64Url(owner), ...LOCAL_QUOTA }],
    }),
  )
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
