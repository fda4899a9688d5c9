import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Password of the one user, over TCP; the socket asks for none. */
export const PASSWORD = 'not-a-secret-of-anybody'
const USER = 'sotto'
/** PostgreSQL refuses to run as root. */
const NOBODY = 65_534
const START_MS = 30_000

/** Folder of PostgreSQL's programs, when this machine has them. */
function findBinaries(): string | undefined {
  const root = '/usr/lib/postgresql'
  const packaged = existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : []
  const folders = [...packaged.toSorted().toReversed(), ...(process.env['PATH'] ?? '').split(delimiter)]
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

const binaries = findBinaries()
/** Whether this machine has PostgreSQL. */
export const hasPostgres: boolean = binaries !== undefined

/** A private PostgreSQL in a temporary folder, on a Unix socket and on loopback. */
export class PostgresServer {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sotto-pg-'))
  readonly #data = join(this.folder, 'data')
  port = 0
  #child: ChildProcess | undefined

  static async create(options: { tls?: boolean } = {}): Promise<PostgresServer> {
    const server = new PostgresServer()
    server.port = await freePort()
    const password = join(server.folder, 'password')
    writeFileSync(password, PASSWORD)
    for (const path of [server.folder, password])
      if (process.getuid?.() === 0) chownSync(path, NOBODY, NOBODY)
    const auth = ['--auth-local=trust', '--auth-host=scram-sha-256', `--pwfile=${password}`]
    server.tool('initdb', [
      '-D',
      server.#data,
      '-U',
      USER,
      '--no-sync',
      '--encoding=UTF8',
      '--locale=C',
      ...auth,
    ])
    if (options.tls === true) server.#makeCertificate()
    await server.start()
    return server
  }

  /** URL over the Unix socket, as the tests' own database unless another is named. */
  url(database = 'postgres'): string {
    return `postgresql:///${database}?host=${encodeURIComponent(this.folder)}&port=${this.port}&user=${USER}`
  }

  /** URL over TCP. */
  tcpUrl(options: { port?: number; password?: string; database?: string; query?: string } = {}): string {
    const { port = this.port, password = PASSWORD, database = 'postgres', query = '' } = options
    return `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}${query}`
  }

  /** Runs one of PostgreSQL's own programs; gives what it prints. */
  tool(name: string, args: readonly string[], input?: string): string {
    return execFileSync(join(binaries!, name), args, {
      ...this.#identity(),
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 256 * 1024 * 1024,
      ...(input !== undefined && { input }),
    })
  }

  /** Changes the database behind the store's back. */
  psql(sql: string, database = 'postgres'): string {
    const where = ['-h', this.folder, '-p', String(this.port), '-U', USER, '-d', database]
    return this.tool('psql', [...where, '-qAtX', '-v', 'ON_ERROR_STOP=1', '-f', '-'], sql).trim()
  }

  /** As {@link psql}, while the test goes on. */
  async background(sql: string): Promise<void> {
    const where = [
      '-h',
      this.folder,
      '-p',
      String(this.port),
      '-U',
      USER,
      '-d',
      'postgres',
      '-qAtX',
      '-c',
      sql,
    ]
    const child = spawn(join(binaries!, 'psql'), where, { ...this.#identity(), stdio: 'ignore' })
    await once(child, 'exit')
  }

  async start(): Promise<void> {
    const settings = [
      `unix_socket_directories=${this.folder}`,
      'listen_addresses=127.0.0.1',
      'max_connections=40',
    ]
    const args = ['-D', this.#data, '-p', String(this.port), ...settings.flatMap((each) => ['-c', each])]
    const child = spawn(join(binaries!, 'postgres'), args, {
      ...this.#identity(),
      stdio: ['ignore', 'ignore', 'pipe'],
      // A Ctrl-C at the terminal is for the tests.
      detached: true,
    })
    this.#child = child
    const endWithUs = (): void => void child.kill('SIGQUIT')
    process.once('exit', endWithUs)
    child.once('exit', () => process.off('exit', endWithUs))
    let output = ''
    child.stderr!.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const deadline = Date.now() + START_MS
    for (;;) {
      try {
        this.psql('SELECT 1')
        return
      } catch {
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(`PostgreSQL did not start: ${output}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  /** Ends every process of it where it is, with SIGKILL. */
  async crash(): Promise<void> {
    const child = this.#child!
    const exited = once(child, 'exit')
    // Each leads a session of its own, and the next server does not start while one has the shared memory.
    const all = [child.pid!, ...childrenOf(child.pid!)]
    for (const pid of all) kill(pid)
    await exited
    while (all.some(isThere)) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  async remove(): Promise<void> {
    await this.#end('SIGQUIT')
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }

  #makeCertificate(): void {
    const [key, certificate] = [join(this.#data, 'server.key'), join(this.#data, 'server.crt')]
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ].concat([
        '-keyout',
        key,
        '-out',
        certificate,
        '-subj',
        '/CN=database.test',
        '-addext',
        'subjectAltName=DNS:localhost',
      ]),
      { ...this.#identity(), stdio: 'ignore' },
    )
    writeFileSync(join(this.#data, 'postgresql.auto.conf'), 'ssl = on\n')
  }

  get certificate(): string {
    return join(this.#data, 'server.crt')
  }

  #identity(): { cwd: string; uid?: number; gid?: number; env: NodeJS.ProcessEnv } {
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
    return { cwd: this.folder, env: { PATH: process.env['PATH'], LC_ALL: 'C', HOME: this.folder }, ...user }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/** A zombie holds nothing any more. */
function isThere(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
