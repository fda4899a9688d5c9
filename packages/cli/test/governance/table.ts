import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TrustPolicy } from '@sotto/verifier'
import { trustPolicyOf } from '../../../kms/test/client.ts'
import { World } from '../../../kms/test/world.ts'
import { commands } from '../../src/commands/index.ts'
import { runInMemory, type RunResult, type WorldOptions } from '../support/memory-io.ts'

const KMS = 'http://kms.test'

/** Members at a table: a folder with their keys, a KMS in memory that they govern, and what was sent to it. */
export class Table {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sotto-members-'))
  world!: World
  /** `METHOD /path` of every request. */
  readonly sent: string[] = []
  /** Changes an answer on its way: whoever runs the KMS can. */
  tamper: (path: string, answer: string) => string = (_, answer) => answer

  /** Keys of these names, and a KMS whose genesis names them. */
  static async of(names: readonly string[], threshold: number): Promise<Table> {
    const table = new Table()
    const members: { name: string; key: string }[] = []
    for (const name of names) {
      const { stdout } = await table.sotto([
        'keys',
        'new',
        `${name}.key`,
        ...(name === 'carol' ? ['--p256'] : []),
      ])
      members.push({ name, key: stdout.trim() })
    }
    table.world = new World({ members, threshold })
    await table.world.start()
    table.write('policy.json', table.trustPolicy())
    return table
  }

  /** `sotto ...` with KMS and policy set by the environment. */
  sotto(argv: readonly string[], options: WorldOptions = {}): Promise<RunResult> {
    return runInMemory(commands, argv, {
      cwd: this.folder,
      fetch: (input, init) => this.#fetch(new Request(input, init)),
      nowMs: () => this.world.now * 1000,
      ...options,
      env: {
        SOTTO_KMS: KMS,
        SOTTO_POLICY: 'policy.json',
        SOTTO_CONFIG_DIR: join(this.folder, 'config'),
        ...options.env,
      },
    })
  }

  async #fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    this.sent.push(`${request.method} ${pathname}`)
    const response = await this.world.app(request)
    return new Response(this.tamper(pathname, await response.text()), { status: response.status })
  }

  write(name: string, content: object | string, mode = 0o600): string {
    const file = join(this.folder, name)
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    chmodSync(file, mode)
    return name
  }

  trustPolicy(change: Partial<TrustPolicy> = {}): TrustPolicy {
    return trustPolicyOf(this.world, { kems: ['X-Wing'], ...change })
  }

  /** A policy file without what the command fills in, and its release statements. */
  writePolicy(name = 'draft.json', evidenceMaxAgeSeconds = 3600): string[] {
    const { world } = this
    this.write(name, { anyOf: [world.tuple()], evidenceMaxAgeSeconds })
    this.write('release.json', [world.logRelease(world.workload)])
    return [name, '--release', 'release.json']
  }

  clear(): void {
    rmSync(this.folder, { recursive: true })
  }
}
