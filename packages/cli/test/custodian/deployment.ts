import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toBase64Url } from '@sotto/protocol/bytes'
import type { KmsState } from '@sotto/protocol/evidence'
import { documentDigest, type Genesis } from '@sotto/protocol/keyrelease'
import { encodeTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { builtEntry } from '../../../../scripts/build/entry.ts'
import { trustPolicyOf } from '../../../kms/test/client.ts'
import { KmsProcess } from '../../../kms/test/process/launcher.ts'
import { type Draft, KMS_IMAGE, payloadOf } from '../../../kms/test/world.ts'

const SOTTO = 'packages/cli/src/main.ts'

/** How one run of the command line ended. */
export interface Run {
  status: number
  stdout: string
  stderr: string
}

/** A KMS in a process, custodians who are processes too, and the files of each. */
export class Deployment {
  readonly kms: KmsProcess
  readonly custodians: { name: string; key: string; file: string }[] = []
  root: Record<string, unknown> = {}

  private constructor(kms: KmsProcess) {
    this.kms = kms
  }

  static async create(count: number, threshold: number): Promise<Deployment> {
    const deployment = new Deployment(await KmsProcess.create())
    const custodians = await deployment.addCustodians(count)
    deployment.root = { source: 'custodians', threshold, custodians }
    return deployment
  }

  /** Makes the files of some more, and gives what they hand over. */
  async addCustodians(count: number): Promise<{ name: string; key: string }[]> {
    const already = this.custodians.length
    for (let n = already + 1; n <= already + count; n++) {
      const file = join(this.kms.directory, `custodian-${n}`)
      const { stdout } = await this.sotto(['custodian', 'new', file])
      this.custodians.push({ name: `custodian-${n}`, key: stdout.trim(), file })
    }
    return this.custodians.slice(already).map(({ name, key }) => ({ name, key }))
  }

  /** Launches the KMS, with its release in the log, and waits until it answers. */
  async start(config: Record<string, unknown> = {}): Promise<void> {
    const change = { config: { root: this.root, ...config } }
    await this.kms.start(change)
    const bytes = await readFile(join(this.kms.directory, 'config.json'))
    const hostData = createHash('sha256').update(bytes).digest('hex')
    this.kms.world.logRelease({ image: KMS_IMAGE, hostData }, { role: 'kms' })
  }

  async readyCode(): Promise<string> {
    const response = await fetch(`${this.kms.url}/readyz`)
    return response.ok ? 'ready' : ((await response.json()) as { code: string }).code
  }

  async waitFor(code: string): Promise<void> {
    for (let n = 0; (await this.readyCode()) !== code; n++) {
      if (n > 200) throw new Error(`never ${code}: ${await this.readyCode()} ${this.kms.output}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Pins the genesis: what custodians and members accept from here on. */
  async pin(): Promise<string> {
    const { genesis } = await this.kms.call<KmsState>('/v1/genesis')
    const digest = documentDigest(payloadOf<Genesis>(genesis.envelope))
    const { world } = this.kms
    Object.defineProperty(world, 'genesis', { configurable: true, value: digest })
    Object.defineProperty(world, 'inForce', { configurable: true, value: { digest } })
    await this.writePolicy('policy.json', {})
    return digest
  }

  async writePolicy(name: string, change: Partial<TrustPolicy>): Promise<void> {
    const policy = trustPolicyOf(this.kms.world, change)
    await writeFile(join(this.kms.directory, name), encodeTrustPolicy(policy))
  }

  /** Runs `sotto` in a process of its own. */
  async sotto(argv: readonly string[]): Promise<Run> {
    const env = { PATH: process.env['PATH'], HOME: this.kms.directory }
    const program = await builtEntry(SOTTO)
    return new Promise((resolve) => {
      const options = { env, cwd: this.kms.directory }
      execFile(process.execPath, [program, ...argv], options, (error, stdout, stderr) =>
        resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
      )
    })
  }

  /** A command of custodian `n`, counted from 1. */
  async custodian(command: string, n: number, ...flags: string[]): Promise<Run> {
    const where = ['--kms', this.kms.url, '--log', await this.logUrl()]
    const policy = flags.includes('--policy') ? [] : ['--policy', 'policy.json']
    return this.sotto(['custodian', command, this.custodians[n - 1]!.file, ...where, ...policy, ...flags])
  }

  /** A command of member `n`, counted from 0. */
  async member(n: number, ...argv: string[]): Promise<Run> {
    const file = join(this.kms.directory, `member-${n}.key`)
    const secret = toBase64Url(this.kms.world.members[n]!.secretSeed)
    await writeFile(file, JSON.stringify({ version: 1, algorithm: 'EdDSA', secret }), { mode: 0o600 })
    return this.sotto([...argv, '--key', file, '--kms', this.kms.url, '--policy', 'policy.json'])
  }

  async status(): Promise<Run> {
    return this.sotto(['custodian', 'status', '--policy', 'policy.json', '--log', await this.logUrl()])
  }

  private async logUrl(): Promise<string> {
    const config = JSON.parse(await readFile(join(this.kms.directory, 'config.json'), 'utf8')) as {
      log: { url: string }
    }
    return `${config.log.url}/log`
  }

  async decide({ proposal, releases, id, voters }: Draft): Promise<unknown> {
    let answer = await this.kms.call<unknown>('/v1/proposals', { proposal, releases })
    for (const voter of voters)
      answer = await this.kms.call('/v1/ballots', { ballot: this.kms.world.ballot(id, voter) })
    return answer
  }

  /** Every file the KMS ever wrote is gone. */
  async deleteEveryTrace(): Promise<void> {
    await rm(join(this.kms.directory, 'store'), { recursive: true })
  }
}
