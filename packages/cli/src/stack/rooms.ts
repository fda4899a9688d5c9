import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import type { TrustPolicy } from '@sotto/verifier'
import { encodeRoleConfig, roomConfig, roomsConfig } from '../roles/index.ts'
import { launch, type LaunchedRole, measureLaunch } from '../software-tee/launch.ts'
import type { SoftwareMachine } from '../software-tee/machine.ts'
import type { RoleProcess } from './child.ts'
import type { MeasuredRole } from './documents.ts'
import { startEdge } from './edge-roles.ts'
import type { Layout } from './layout.ts'
import { ownersFile } from './registry.ts'
import type { StateFolder } from './state.ts'

/** Of one machine: other programs on it want some, too. */
const LOCAL_QUERIES = { memoryBytes: 2 ** 30, threads: 2, seconds: 600 }

/** Name of the role that is a clean room. */
export const ROOM = 'room'

/** Starts the boards of clean rooms, untrusted: the owners whom the registry knows may open some. */
export function startBoards(options: {
  layout: Layout
  state: StateFolder
  port: number
  genesis: string
}): Promise<RoleProcess> {
  const { state, port, genesis } = options
  const config = roomsConfig({
    listen: { host: '127.0.0.1', port },
    store: state.store('rooms'),
    genesis,
    owners: ownersFile(state),
  })
  return startEdge(options, 'rooms', config)
}

/** A clean room that can be started, and what it is measured as. */
export interface PreparedRoom {
  measured: MeasuredRole
  start(): Promise<LaunchedRole>
}

/** Writes the configuration of the room and measures what it will be. Nothing runs yet. */
export async function prepareRoom(options: {
  layout: Layout
  state: StateFolder
  machine: SoftwareMachine
  port: number
  /** As the room reaches them. */
  kmsUrl: string
  logUrl: string
  boardsUrl: string
  policy: TrustPolicy
}): Promise<PreparedRoom> {
  const { layout, state, machine, port, kmsUrl, logUrl, boardsUrl, policy } = options
  const config = state.config(ROOM)
  const role = roomConfig({
    listen: { host: '127.0.0.1', port },
    kmsUrls: [kmsUrl],
    logUrl,
    policy,
    boardsUrl,
    queries: LOCAL_QUERIES,
  })
  await writeWhole(config, encodeRoleConfig(role))
  const image = layout.image('room')
  const { image: measured, measurement, hostData } = await measureLaunch(image, config)
  return {
    measured: { role: 'room', digest: measured.digest, measurement, hostData },
    start: () => launch({ name: ROOM, machine, image, config, logFile: state.log(ROOM) }),
  }
}

/** Whether the room of a build can run queries: their engine is a part that not everybody installs. */
export function hasQueries(layout: Layout): boolean {
  return existsSync(join(layout.image('room'), 'node_modules', '@duckdb', 'node-api'))
}
