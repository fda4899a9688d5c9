import { realpathSync, rmdirSync } from 'node:fs'
import type { App } from '@sotto/serve/errors'
import { announceModel } from '../api/index.ts'
import { APP_AUTHORITY, type InnerApp } from '../gateway/index.ts'
import { createByteBudget } from '../ram/byte-budget.ts'
import { APP_UIDS, makeEmptyDirectory, UidRange } from '../sandbox/index.ts'
import { type AppCode, openCode } from './code.ts'
import { type AppConfig, artifactsOf } from './config.ts'
import { appEnvironment } from './environment.ts'
import { appError, type AppErrorCode } from './errors.ts'
import { forward } from './forward.ts'
import { Life } from './life.ts'
import type { AppProgram } from './program.ts'
import { refusal } from './refuse.ts'
import { type AppSandboxReport, probeAppSandbox } from './sandbox/probe.ts'
import { openSecrets } from './secrets.ts'
import { superviseApp, type SuperviseOptions } from './supervise.ts'

/** What an own app needs of its enclave. */
export interface OwnAppOptions extends Pick<
  SuperviseOptions<Life>,
  'onEnded' | 'onFailed' | 'onHealthy' | 'watchMs' | 'restartBackoffMs'
> {
  readonly config: AppConfig
  readonly program: AppProgram
  /** See `AppProbeOptions`. */
  readonly require: 'full' | 'best-effort'
  /** The inner API, as the app may use it: see `apiForApp`. */
  readonly api: App
  /** A mounted tmpfs. Default `/dev/shm`. */
  readonly ramDirectory?: string
  /** See `AppProbeOptions`. */
  readonly only?: 'root' | 'user'
}

/** The app of a deployment, from its sealed code to its answers. */
export interface OwnApp {
  readonly sandbox: AppSandboxReport
  /** Artifacts whose content keys {@link OwnApp.open} needs. */
  readonly artifacts: readonly string[]
  /** Reads code and secrets, once; later calls do nothing. @throws the codes of `openCode` and `openSecrets` */
  open(contentKeys: ReadonlyMap<string, Uint8Array>): Promise<void>
  /** Starts it and waits until it is healthy. @throws the codes of `Supervisor.start` */
  start(): Promise<void>
  /** Has it answer a request of the gateway; never throws but what the request's own signal and body do. */
  readonly answer: InnerApp
  /** Why it does not answer; undefined while it does. */
  readonly trouble: AppErrorCode | undefined
  /** Ends it, and forgets code and secrets. Idempotent. */
  close(): Promise<void>
}

/** Where an app finds the inner API, unless that is its own port; no port that the kernel hands out. */
const API_PORT = 61_080
/** Memory of requests that are held until they are whole. */
const HELD_BYTES = 64 * 2 ** 20
/** Longest silence of an app in the middle of an exchange. */
const IDLE_MS = 300_000

/**
 * Prepares an own app: finds out how this machine confines one, before anything of it is read.
 * @throws `APP_SANDBOX`
 */
export async function createOwnApp(options: OwnAppOptions): Promise<OwnApp> {
  const { config, program } = options
  const range = new UidRange(APP_UIDS, () => appError('APP_START_FAILED', 'no uid is left for an app'))
  const uids = { app: range.take(), bridge: range.take() }
  const stage = makeEmptyDirectory()
  const node = realpathSync(program.node)
  const sandbox = await probeAppSandbox({ ...options, uids, stage, node }).catch((error: unknown) => {
    rmdirSync(stage)
    throw error
  })
  const budget = createByteBudget(HELD_BYTES, () => new Error('no memory is left to hold requests'))
  const ports = { port: config.port, apiPort: config.port === API_PORT ? API_PORT + 1 : API_PORT }
  let code: AppCode | undefined
  let secrets: Record<string, string> = {}
  let closing: Promise<void> | undefined

  async function startLife(): Promise<Life> {
    if (code === undefined) throw appError('APP_START_FAILED', 'the code of the app has not been read')
    const { folder, bridge, unpack } = program
    return Life.start({
      kind: sandbox.kind,
      content: {
        uids,
        stage,
        node,
        memoryBytes: config.memoryBytes,
        program: { folder, bridge, unpack, archiveBytes: code.bytes, ...ports },
      },
      archive: code.fd,
      command: config.command,
      environment: appEnvironment(ports, config.env, secrets),
      api: options.api,
      verify: () => program.verify(),
    })
  }

  async function checkHealth({ agent }: Life, signal: AbortSignal): Promise<number | undefined> {
    try {
      const request = new Request(`https://${APP_AUTHORITY}${config.healthcheck.path}`, { signal })
      const response = await forward(request, { agent, budget, idleMs: IDLE_MS })
      await response.body?.cancel()
      return response.status
    } catch {
      return undefined
    }
  }

  const supervisor = superviseApp<Life>({
    ...options,
    ...ports,
    startMs: config.healthcheck.startSeconds * 1000,
    start: startLife,
    checkHealth,
  })
  async function close(): Promise<void> {
    await supervisor.close()
    code?.close()
    code = undefined
    secrets = {}
    rmdirSync(stage)
  }

  return {
    sandbox: sandbox.report,
    artifacts: artifactsOf(config),
    async open(contentKeys) {
      if (code !== undefined) return
      const opened = await openSecrets(config, contentKeys)
      code = await openCode(config, contentKeys, options.ramDirectory)
      secrets = opened
    },
    start: () => supervisor.start(),
    async answer(request) {
      try {
        const { agent } = supervisor.current()
        const response = await forward(request, { agent, budget, idleMs: IDLE_MS })
        return announceModel(response, { digest: config.code.sha256 })
      } catch (error) {
        request.signal.throwIfAborted()
        return refusal(error)
      }
    },
    get trouble() {
      return supervisor.trouble
    },
    close: () => (closing ??= close()),
  }
}
