import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type DeploymentRecord, openRecords, type Records } from '../../src/deploy/record/records.ts'
import { identityOf, type ProcessIdentity } from '../../src/process/index.ts'
import type { RunningStack } from '../../src/stack/running.ts'
import { RELAY } from '../../../client/test/support/service.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import type { RunResult, WorldOptions } from '../support/memory-io.ts'

export const DIGEST: string = 'ab'.repeat(32)
const ENDED = { at: '2026-11-28T02:33:00.000Z', reason: 'killed by SIGKILL' }

/** A user at a desk whose folder is that of a deployment, and a process that stands for what keeps it. */
export interface DeploymentDesk extends Pick<Desk, 'cwd' | 'service'> {
  supervisor: ProcessIdentity
  sotto(argv: string[], options?: WorldOptions): Promise<RunResult>
  /** Writes a file, with the folders it lies in. */
  put(path: string, text: string): void
  records: Records
  record(change?: Partial<DeploymentRecord>): Promise<void>
  /** Leaves what a deployment leaves that runs here. */
  running(change?: Partial<RunningStack>, ended?: readonly string[]): void
  clear(): void
}

/** Sets one up. */
export async function createDeploymentDesk(): Promise<DeploymentDesk> {
  const desk = await createDesk()
  const child: ChildProcess = spawn('sleep', ['60'])
  const supervisor = identityOf(child.pid!)!
  const records = openRecords({ cwd: desk.cwd, env: { SOTTO_CONFIG_DIR: join(desk.cwd, 'config') } })
  const put = (path: string, text: string): void => {
    mkdirSync(join(desk.cwd, path, '..'), { recursive: true })
    desk.write(path, text)
  }
  return {
    cwd: desk.cwd,
    service: desk.service,
    supervisor,
    records,
    put,
    sotto: (argv, options = {}) =>
      desk.sotto(argv, { ...options, env: { SOTTO_HOST: '', SOTTO_POLICY: '', ...options.env } }),
    record: (change = {}) =>
      records.put({
        name: 'notes',
        target: 'local',
        folder: desk.cwd,
        digest: DIGEST,
        deployedAt: 1,
        ...change,
      }),
    running(change = {}, ended = []) {
      const stack: RunningStack = {
        relay: RELAY,
        gateway: 'inference',
        policy: join(desk.cwd, 'policy.json'),
        software: true,
        supervisor: supervisor.pid,
        supervisorStarted: supervisor.started,
        state: join(desk.cwd, '.sotto'),
        roles: ['log', 'kms', 'inference', 'relay'].map((name, index) => ({
          name,
          pid: 900 + index,
          url: `http://127.0.0.1:${index + 1}`,
          ...(ended.includes(name) && { ended: ENDED }),
        })),
        deployment: { name: 'notes', digest: DIGEST, replicas: 1 },
        ...change,
      }
      put('sotto.yaml', 'name: notes\n')
      put('.sotto/stack.json', JSON.stringify(stack))
      mkdirSync(join(desk.cwd, '.sotto', 'run'), { recursive: true })
    },
    clear() {
      child.kill('SIGKILL')
      desk.clear()
    },
  }
}
