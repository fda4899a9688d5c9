import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WorldOptions as DeploymentOptions } from '@sotto/testkit'
import { createService, type FakeService, RELAY } from '../../../client/test/support/service.ts'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult, type WorldOptions } from './memory-io.ts'

/** A user at a desk: a working directory with a policy, and a deployment in memory. */
export interface Desk {
  cwd: string
  service: FakeService
  /** Runs `sotto ...` with host and policy set by the environment. */
  sotto(argv: readonly string[], options?: WorldOptions): Promise<RunResult>
  write(name: string, content: string | Uint8Array): void
  clear(): void
}

/** Sets one up. */
export async function createDesk(deployment: DeploymentOptions = {}): Promise<Desk> {
  const service = await createService(deployment)
  const cwd = mkdtempSync(join(tmpdir(), 'sotto-desk-'))
  const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(cwd, name), content)
  write('policy.json', JSON.stringify(service.world.policy, null, 2))
  return {
    cwd,
    service,
    write,
    sotto: (argv, options = {}) =>
      runInMemory(commands, argv, {
        cwd,
        fetch: service.fetch,
        nowMs: () => service.world.now * 1000,
        ...options,
        env: {
          SOTTO_HOST: RELAY,
          SOTTO_POLICY: 'policy.json',
          SOTTO_CONFIG_DIR: join(cwd, 'config'),
          ...options.env,
        },
      }),
    clear: () => rmSync(cwd, { recursive: true }),
  }
}

/** What the network saw, as `GET /path`. */
export function traffic(service: FakeService): string[] {
  return service.outerCalls.map(({ method, path }) => `${method} ${path}`)
}

/** The banner every command prints, because the deployment in memory is a software TEE. */
export const BANNER =
  'warning: software TEE: this verdict rests on a program, not on hardware; whoever runs that machine can read everything\n'
