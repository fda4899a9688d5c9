import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { encodeTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { commands } from '../../packages/cli/src/commands/index.ts'
import { CLUSTER } from '../../packages/cli/test/deploy/documents.ts'
import { runInMemory, type RunResult } from '../../packages/cli/test/support/memory-io.ts'

/** Hardware that `cluster.tee` may name. */
export const TEES = ['snp', 'tdx', 'azure-cvm'] as const
export type Tee = (typeof TEES)[number]

/** A deployment, as a test writes it. */
export interface WrittenDeployment {
  /** Members of `sotto.yaml` but `name`, `policy` and `cluster`. */
  file?: object
  /** What the cluster's section has beside what has to be there. */
  cluster?: object
  /** Absent: there is no KMS yet. */
  policy?: TrustPolicy
  /** Words behind `sotto deploy`. */
  words: readonly string[]
  /** Of the command, beside the desk's. */
  env?: Readonly<Record<string, string>>
}

/** A folder with a deployment called notes and the code of an app, and `sotto` in it. */
export interface ClusterDesk {
  folder: string
  /** Writes `sotto.yaml` and deploys. @throws with what it said unless it succeeds */
  deploy(deployment: WrittenDeployment): Promise<RunResult>
  put(path: string, text: string, mode?: number): void
  clear(): void
}

/** Opens one. @param env of the command */
export function openClusterDesk(env: Readonly<Record<string, string>> = {}): ClusterDesk {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-cluster-'))
  const put: ClusterDesk['put'] = (path, text, mode = 0o644) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text, { mode })
  }
  put('app/server.mjs', '// serves notes')
  return {
    folder,
    put,
    async deploy({ file, cluster, policy, words, env: more }) {
      if (policy !== undefined) put('policy.json', Buffer.from(encodeTrustPolicy(policy)).toString())
      const document = {
        name: 'notes',
        ...(policy !== undefined && { policy: './policy.json' }),
        ...file,
        cluster: { ...CLUSTER, ...cluster },
      }
      put('sotto.yaml', JSON.stringify(document))
      const ran = await runInMemory(commands, ['deploy', ...words], {
        cwd: folder,
        env: { SOTTO_CONFIG_DIR: join(folder, 'config'), ...env, ...more },
        nowMs: () => Date.now(),
      })
      if (ran.code !== 0) throw new Error(ran.stderr)
      return ran
    },
    clear: () => rmSync(folder, { recursive: true }),
  }
}

/** The commands that `sotto deploy` said whoever does not take --apply has to give, for a shell. */
export function printedCommands(stderr: string): string[] {
  const [, after = ''] = stderr.split('hand it over with --apply, or yourself:\n')
  return after
    .slice(0, after.search(/^(?! {2})/m))
    .split('\n')
    .filter(Boolean)
    .map((line) => line.slice(2))
}
