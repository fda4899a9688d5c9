import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, hkdfSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromHex, toHex } from '@sotto/protocol/bytes'
import { type RunningServer, startServer } from '@sotto/serve/server'
import { builtEntry } from '../../../../scripts/build/entry.ts'
import { hardwareOf, KMS_IMAGE, World } from '../world.ts'

const MAIN = 'packages/kms/src/main.software.ts'

/** How one start differs from an honest one. */
export interface StartChange {
  image?: string
  hostData?: string
  config?: Record<string, unknown>
  /** The entry point instead of the software one, from the checkout. */
  source?: string
  env?: Record<string, string>
}

/** A KMS in a process of its own, launched and measured by the test, with a log on a real port. */
export class KmsProcess {
  readonly world: World
  readonly directory: string
  readonly #log: RunningServer
  child: ChildProcess | undefined
  url = ''
  /** Everything all starts have written. */
  output = ''

  private constructor(world: World, directory: string, log: RunningServer) {
    this.world = world
    this.directory = directory
    this.#log = log
  }

  static async create(): Promise<KmsProcess> {
    const world = new World()
    world.log.now = () => Math.floor(Date.now() / 1000)
    world.now = world.log.now()
    const log = await startServer(
      async (request) => {
        if (request.method !== 'POST') return world.log.fetch(request.url)
        const headers = { authorization: request.headers.get('authorization') ?? '' }
        return world.log.fetch(request.url, {
          method: 'POST',
          headers,
          body: new Uint8Array(await request.arrayBuffer()),
        })
      },
      { host: '127.0.0.1', port: 0, drainMs: 100 },
    )
    return new KmsProcess(world, await mkdtemp(join(tmpdir(), 'sotto-kms-')), log)
  }

  /** Another process with the same log and the same configuration: a replica, where the store is shared. */
  sibling(): KmsProcess {
    return new KmsProcess(this.world, this.directory, this.#log)
  }

  /** The configuration of a start: what the launcher measures. */
  configText(change: StartChange = {}): string {
    return JSON.stringify({
      ...this.world.configFields(),
      store: join(this.directory, 'store'),
      log: { url: this.#log.url, origin: this.world.log.origin, key: this.world.log.key },
      rotationSeconds: 3600,
      ...change.config,
    })
  }

  /** Launches and does not wait. */
  async launch(change: StartChange = {}): Promise<ChildProcess> {
    const config = this.configText(change)
    const path = join(this.directory, 'config.json')
    await writeFile(path, config)
    const hostData = change.hostData ?? createHash('sha256').update(config).digest('hex')
    const image = change.image ?? KMS_IMAGE
    const command = [
      '-c',
      'ulimit -c 0 && exec "$0" "$@"',
      process.execPath,
      await builtEntry(change.source ?? MAIN),
      '--config',
      path,
    ]
    const child = spawn('/bin/sh', command, {
      env: { PATH: process.env['PATH'], SOTTO_LOG_APPEND_TOKEN: this.world.log.token, ...change.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (bytes: Buffer) => (this.output += bytes.toString()))
    child.on(
      'message',
      (message) => void this.#answer(child, message as Record<string, string>, image, hostData),
    )
    this.child = child
    return child
  }

  /** Launches and waits until it serves. */
  async start(change: StartChange = {}): Promise<void> {
    const child = await this.launch(change)
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`the KMS ended: ${this.output}`)))
      child.on('message', (message) => {
        const { type, urls } = message as { type: string; urls: { http: string } }
        if (type !== 'ready') return
        this.url = urls.http
        resolve()
      })
    })
  }

  /** Ends it and gives the exit status. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? null
    child.kill(signal)
    const [status] = (await once(child, 'exit')) as [number | null]
    return status
  }

  async call<T>(path: string, body?: unknown): Promise<T> {
    const bytes = body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body)
    const response = await fetch(this.url + path, body === undefined ? {} : { method: 'POST', body: bytes })
    return (await response.json()) as T
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL')
    await this.#log.close()
    await rm(this.directory, { recursive: true, force: true })
  }

  async #answer(
    child: ChildProcess,
    message: Record<string, string>,
    image: string,
    hostData: string,
  ): Promise<void> {
    const { type, id } = message
    const reply = (fields: object): void => void (child.connected && child.send({ type, id, ...fields }))
    if (type === 'tee.report') {
      reply({
        evidence: await hardwareOf({ image, hostData }).collectEvidence(fromHex(message['reportData']!)),
      })
    } else if (type === 'tee.sealing-key') {
      reply({ key: toHex(new Uint8Array(hkdfSync('sha256', 'machine', image, message['context']!, 32))) })
    }
  }
}
