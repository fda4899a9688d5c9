import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { packTar } from '@sotto/protocol/tar'
import type { App } from '@sotto/serve/errors'
import type { AppConfig } from '../../src/app/config.ts'
import { createOwnApp, type OwnApp, type OwnAppOptions } from '../../src/app/own-app.ts'
import { unmeasuredAppProgram } from '../../src/app/program.ts'
import { type AppSandboxReport, probeAppSandbox } from '../../src/app/sandbox/probe.ts'
import { APP_UIDS, makeEmptyDirectory } from '../../src/sandbox/index.ts'

/** An archive of text files. */
export function archiveOf(files: Readonly<Record<string, string>>): Uint8Array {
  return packTar(
    Object.entries(files).map(([path, text]) => ({
      path,
      mode: 0o644,
      bytes: new TextEncoder().encode(text),
    })),
  )
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-app-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Configuration of an app whose code lies open in a folder. */
export function configOf(
  files: Readonly<Record<string, string>>,
  change: Partial<AppConfig> = {},
): AppConfig {
  const directory = temporaryFolder()
  const archive = archiveOf(files)
  writeFileSync(join(directory, 'code.tar'), archive)
  return {
    name: 'chat',
    directory,
    code: { file: 'code.tar', sha256: sha256(archive) },
    command: ['node', 'server.mjs'],
    env: {},
    port: 8080,
    healthcheck: { path: '/health', startSeconds: 20 },
    memoryBytes: 2 ** 30,
    ...change,
  }
}

export const noApi: App = async () => new Response(null, { status: 404 })

/** An app in the real sandbox of this machine, behind the real bridge; ended after the test. */
export async function prepareApp(config: AppConfig, change: Partial<OwnAppOptions> = {}): Promise<OwnApp> {
  const app = await createOwnApp({
    config,
    program: unmeasuredAppProgram(),
    require: 'best-effort',
    api: noApi,
    ...change,
  })
  onTestFinished(() => app.close())
  return app
}

export const ask = (app: OwnApp, path: string, init: RequestInit = {}): Promise<Response> =>
  app.answer(
    new Request(`https://app.sotto${path}`, { ...init, ...(init.body && { duplex: 'half' }) } as RequestInit),
  )

/** A server of a few routes; `more` is put into its handler. */
export const server = (more = '', before = ''): string => `
import { createServer } from 'node:http'
${before}
createServer(async (request, response) => {
  if (request.url === '/health') return response.end('well')
  ${more}
  response.statusCode = 404
  response.end()
}).listen(Number(process.env.PORT), '127.0.0.1')
`

/** An app in a process of its own, under another uid where that is wanted. */
export interface HostedApp {
  readonly sandbox: AppSandboxReport
  readonly process: ChildProcess
  post(path: string, body: string): Promise<string>
  /** Resolves when the process is gone. */
  close(): Promise<void>
}

const ORDINARY_USER = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']

/** Whether another user than root gets at what lies in a folder: nobody does below a folder of root's alone. */
export function isReadByOrdinaryUser(folder: string): boolean {
  return spawnSync(ORDINARY_USER[0]!, [...ORDINARY_USER.slice(1), 'ls', folder]).status === 0
}

/** @throws Error with what the process said, where it cannot run the app */
export async function hostApp(config: AppConfig, as: 'same' | 'ordinary-user'): Promise<HostedApp> {
  chmodSync(config.directory, 0o755)
  const prefix = as === 'same' ? [] : ORDINARY_USER
  const words = [
    ...prefix,
    process.execPath,
    join(import.meta.dirname, 'fixtures/host.ts'),
    JSON.stringify(config),
  ]
  const child = spawn(words[0]!, words.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (piece: Buffer) => (said += piece.toString()))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  async function next(): Promise<string> {
    const { done, value } = await lines.next()
    if (done) throw new Error(said)
    return value
  }
  return {
    sandbox: JSON.parse(await next()) as AppSandboxReport,
    process: child,
    async post(path, body) {
      child.stdin.write(`${JSON.stringify({ path, body })}\n`)
      return JSON.parse(await next()) as string
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

/** Why this machine cannot confine an app, said aloud; undefined where it can. For tests that are skipped then. */
export async function whyNotHere(): Promise<string | undefined> {
  const uids = { app: APP_UIDS.first, bridge: APP_UIDS.first + 1 }
  const stage = makeEmptyDirectory()
  try {
    await probeAppSandbox({ uids, stage, require: 'best-effort' })
    return undefined
  } catch (error) {
    const { found } = error as { found?: string }
    process.stderr.write(`skipped: this machine cannot confine an app: ${found}\n`)
    return found
  } finally {
    rmdirSync(stage)
  }
}
