import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { writeWhole } from '@sotto/client/node'
import { crypto } from '@sotto/protocol/crypto-backend'
import { verifierKey } from '@sotto/protocol/note'
import { cliError } from '../errors.ts'
import {
  encodeRoleConfig,
  type ListenAt,
  logConfig,
  type LogPins,
  type RoleConfig,
  witnessConfig,
} from '../roles/index.ts'
import { startChild, type RoleProcess } from './child.ts'
import { MEMORY_FLAGS } from './memory.ts'
import type { EdgeRole, Layout } from './layout.ts'
import type { StateFolder } from './state.ts'

const run = promisify(execFile)

/** The log's origin on a laptop: its own, so that nothing of a software TEE ever stands in a real log (T10). */
export const LOCAL_ORIGIN = 'local.sotto/software-tee'
const WITNESS_NAME = 'witness.local.sotto/software-tee'

/** Environment of untrusted roles: nothing inherited. */
export const EDGE_ENV: Readonly<Record<string, string>> = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' }

/** What the untrusted roles are started with. */
export interface EdgeOptions {
  layout: Layout
  state: StateFolder
  ports: { log: number; witness: number }
  appendToken: string
  /** Address under which the log is to reach its witness. */
  reachWitness(port: number): Promise<string>
}

/**
 * Starts witness and log. Each names the other's key in its configuration, so both make their keys
 * first and print them.
 */
export async function startLog(
  options: EdgeOptions,
): Promise<{ identity: LogPins; roles: [RoleProcess, RoleProcess] }> {
  const { state, ports } = options
  const listen = (port: number): ListenAt => ({ host: '127.0.0.1', port })
  const nobody = verifierKey(LOCAL_ORIGIN, 'ed25519', crypto.ed25519.generate().publicKey)
  const witness = (key: string): RoleConfig =>
    witnessConfig({
      name: WITNESS_NAME,
      listen: listen(ports.witness),
      store: state.store('witness'),
      log: { origin: LOCAL_ORIGIN, key },
    })
  const witnessKey = await printKey(options, 'witness', witness(nobody))
  const log = logConfig({
    origin: LOCAL_ORIGIN,
    listen: listen(ports.log),
    store: state.store('log'),
    witnesses: [{ url: await options.reachWitness(ports.witness), key: witnessKey }],
    quorum: 1,
  })
  const key = await printKey(options, 'log', log)
  const roles: [RoleProcess, RoleProcess] = [
    await startEdge(options, 'witness', witness(key)),
    await startEdge(options, 'log', log, { SOTTO_LOG_APPEND_TOKEN: options.appendToken }),
  ]
  return { identity: { origin: LOCAL_ORIGIN, key, witnesses: { keys: [witnessKey], quorum: 1 } }, roles }
}

/** Writes an untrusted role's configuration and starts it. */
export async function startEdge(
  { layout, state }: Pick<EdgeOptions, 'layout' | 'state'>,
  role: EdgeRole,
  config: object,
  env: Record<string, string> = {},
): Promise<RoleProcess> {
  await writeWhole(state.config(role), encodeRoleConfig(config))
  return startChild({
    name: role,
    node: process.execPath,
    args: [...MEMORY_FLAGS, layout.edge(role), '--config', state.config(role)],
    cwd: dirname(layout.edge(role)),
    env: { ...EDGE_ENV, ...env },
    logFile: state.log(role),
  })
}

async function printKey(
  { layout, state, appendToken }: EdgeOptions,
  role: 'log' | 'witness',
  config: RoleConfig,
): Promise<string> {
  await writeWhole(state.config(role), encodeRoleConfig(config))
  return printRoleKey(role, layout.edge(role), state.config(role), { SOTTO_LOG_APPEND_TOKEN: appendToken })
}

/**
 * The verifier key of a log or witness, made on first use.
 * @throws `ROLE_FAILED` with what the role said
 */
export async function printRoleKey(
  role: 'log' | 'witness',
  entry: string,
  configFile: string,
  env: Record<string, string> = {},
): Promise<string> {
  // The role refuses to start where it could leave a core dump.
  const script = [
    '-c',
    'ulimit -c 0 && exec "$0" "$@"',
    process.execPath,
    entry,
    '--config',
    configFile,
    '--print-key',
  ]
  try {
    const { stdout } = await run('/bin/sh', script, { env: { ...EDGE_ENV, ...env } })
    return stdout.trim()
  } catch (cause) {
    // The whole command line is in the message of such an error; what the role said is what helps.
    const said = (cause as { stderr?: unknown }).stderr
    const found = typeof said === 'string' ? said.trim().split('\n').join(' | ') : ''
    throw cliError('ROLE_FAILED', `${role} did not start`, { found: found || 'no output', cause })
  }
}
