import type { Server as TlsServer } from 'node:https'
import { type AdmissionOptions, createAdmission } from './admission.ts'
import { type Authenticate, byCertificates, byKeys } from './authenticate.ts'
import { showGauges } from './gauges.ts'
import { createSharedProxy, type ProxyHandler, type ProxyOptions } from './handler.ts'
import { isVerified, keepVerified } from './keep-verified.ts'
import { createListener, finish, listen, peerOf, shut, urlOf } from './listener.ts'
import { createProxyLog, type ProxyLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { bridge } from './node-bridge.ts'
import { createObserver } from './observe.ts'
import { createOperations } from './operations.ts'
import { watchReloads } from './reloads.ts'
import { acceptedHosts, checkOptions, DEFAULT_PORT } from './rules.ts'
import { loadTls, type ProxyTls } from './tls.ts'
import { indexUsers, type UserIndex } from './users.ts'
import { readProxyUsers } from './users-file.ts'

/** Options of {@link startProxy}. */
export interface StartProxyOptions extends Omit<ProxyOptions, 'hosts'> {
  /**
   * Address to listen on. Anything but loopback requires `apiKey`, users or client certificates; without `tls` the hop to
   * the proxy is in clear. @default '127.0.0.1'
   */
  host?: string
  /** 0 picks a free port. @default 8787 */
  port?: number
  /** Further accepted `Host` values, with or without port, for programs that reach the proxy by name. */
  allowedHosts?: Iterable<string>
  /** Speaks TLS 1.2 or later. @default plain HTTP */
  tls?: ProxyTls
  /** File of the users that may use the proxy, see {@link readProxyUsers}. It is read again when it changes. */
  usersFile?: string
  /** Bounds on all requests together; those of users are in their file. @default none */
  limits?: AdmissionOptions
  /** Where `/metrics`, `/livez` and `/readyz` are answered, without any authentication. @default nowhere */
  metrics?: { host: string; port: number }
  /** Receives one line of JSON for each event, with its newline. @default none is written */
  writeLog?: (line: string) => void
  /** Whether lines and metrics name users. @default false */
  logUsers?: boolean
  /** How many access tokens are ready; for the metrics. */
  countTokens?: () => Promise<number>
  /** How often files are compared with what was read of them, milliseconds. @default 2000 */
  watchMs?: number
  /** Seconds since the Unix epoch. @default the system clock */
  now?: () => number
}

/** A listening proxy. */
export interface RunningProxy {
  /** `http://127.0.0.1:8787`, or `https` with TLS. */
  readonly url: string
  /** Where metrics are, if anywhere. */
  readonly metricsUrl: string | undefined
  /** Reads certificates and users again, whether or not they have changed. What cannot be read changes nothing. */
  reload(): Promise<void>
  /**
   * Says that it is not ready, stops accepting, lets what is under way finish for at most `graceMs`, and closes. Where
   * somebody asked for `/readyz` within 15 s, it goes on accepting for the first 3 s, so that nobody sends to a port
   * that is being closed.
   */
  drain(graceMs: number): Promise<void>
  /** Stops accepting, cancels what is under way, resolves when every connection is closed. Safe to call twice. */
  close(): Promise<void>
}

const DEFAULT_WATCH_MS = 2000
/** How often the verdict is looked at. */
const VERDICT_MS = 2000
/** Who asked for `/readyz` this recently is told that the proxy ends, for this long, before anything is refused. */
const WATCHED_MS = 15_000
const NOTICE_MS = 3000

/**
 * Serves the OpenAI API on this machine, or for an organisation.
 * @throws `PROXY_CONFIG` options that contradict each other or are unsafe, a public address without authentication, a
 * malformed host name, a file that cannot be used, a secret that could be guessed, or an address already in use
 */
export async function startProxy(options: StartProxyOptions): Promise<RunningProxy> {
  checkOptions(options)
  const { host = '127.0.0.1', port = DEFAULT_PORT, allowedHosts = [], tls, usersFile, sotto } = options
  const { limits, metrics: metricsAt, logUsers = false, now = systemSeconds } = options
  const scheme = tls === undefined ? 'http' : 'https'
  const names = [...allowedHosts]
  acceptedHosts(names, scheme, port)
  const log = createProxyLog(options.writeLog ?? (() => {}), logUsers)
  const isObserved = metricsAt !== undefined || options.writeLog !== undefined

  let users = usersFile === undefined ? undefined : indexUsers(await readProxyUsers(usersFile))
  const authenticate = authentication(tls, users && (() => users!))
  const isShared = authenticate !== undefined
  const admission = isShared || isObserved || limits !== undefined ? createAdmission(limits) : undefined
  const metrics = createMetrics()

  let handler: ProxyHandler
  const leaving = { isLeaving: false, watchedAt: Number.NEGATIVE_INFINITY }
  const secure = tls && { context: await loadTls(tls), asksForCertificate: tls.clientCaFile !== undefined }
  const server = createListener(secure, (incoming, outgoing) => {
    // Whoever sends more takes a connection that is not about to be closed.
    if (leaving.isLeaving) outgoing.setHeader('connection', 'close')
    const answer = (request: Request): Promise<Response> => handler(request, peerOf(incoming))
    bridge(answer, incoming, outgoing, scheme).catch(() => outgoing.destroy())
  })
  const bound = await listen(server, host, port)
  handler = createSharedProxy({
    ...options,
    hosts: acceptedHosts(names, scheme, bound),
    authenticate,
    isShared,
    admission,
    observe: isObserved ? createObserver({ metrics, log, hasUsers: logUsers }) : undefined,
  })

  let tokens: number | undefined
  const operations =
    metricsAt &&
    createOperations({
      async metrics() {
        tokens = await options.countTokens?.().catch(() => undefined)
        return metrics.render()
      },
      notReady: () =>
        leaving.isLeaving ? 'SHUTTING_DOWN' : isVerified(sotto, now()) ? undefined : 'NOT_VERIFIED',
      onWatched: () => void (leaving.watchedAt = performance.now()),
    })
  if (admission) showGauges(metrics, { admission, sotto, now, tokens: () => tokens })
  const metricsPort =
    operations && metricsAt && (await listen(operations, metricsAt.host, metricsAt.port).catch(abandon))
  const files = await watchReloads({
    usersFile,
    tls,
    log,
    periodMs: options.watchMs ?? DEFAULT_WATCH_MS,
    onUsers: (read) => void (users = read),
    onTls: (context) => (server as TlsServer).setSecureContext(context),
  })
  const endVerdict = operations && keepVerified(sotto, now, VERDICT_MS, (holds) => sayVerdict(log, holds))
  const url = urlOf(scheme, host, bound)
  log('listening', { url })

  let closing: Promise<void> | undefined
  async function abandon(error: unknown): Promise<never> {
    await shut(server)
    throw error
  }
  async function shutAll(): Promise<void> {
    leaving.isLeaving = true
    files.end()
    endVerdict?.()
    await Promise.all([shut(server), operations && shut(operations)])
    log('closed')
  }
  const close = (): Promise<void> => (closing ??= shutAll())
  return {
    url,
    metricsUrl: metricsAt && urlOf('http', metricsAt.host, metricsPort!),
    reload: () => files.look(true),
    async drain(graceMs) {
      if (leaving.isLeaving) return close()
      leaving.isLeaving = true
      log('closing', { count: admission?.running })
      const until = performance.now() + graceMs
      if (performance.now() - leaving.watchedAt < WATCHED_MS) await pause(Math.min(NOTICE_MS, graceMs))
      await finish(server, until - performance.now())
      return close()
    },
    close,
  }
}

/** By certificate where clients have to show one, else by key; undefined where users are not told apart. */
function authentication(
  tls: ProxyTls | undefined,
  users: (() => UserIndex) | undefined,
): Authenticate | undefined {
  if (tls?.clientCaFile !== undefined) return byCertificates(users)
  return users && byKeys(users)
}

function sayVerdict(log: ProxyLog, holds: boolean): void {
  log('verdict', { code: holds ? 'HOLDS' : 'RUN_OUT' })
}

function systemSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
