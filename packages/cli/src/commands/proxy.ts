import { resolve } from 'node:path'
import { clientError } from '@sotto/client'
import {
  type AdmissionOptions,
  isLoopback,
  type ProxyOwner,
  type ProxyTls,
  startProxy,
} from '@sotto/client/proxy'
import { cliError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../framework/index.ts'
import { openOwner, openProxySecret, ownerKeyFile, proxySecretFile } from '../owner/index.ts'
import { parseAddress, tokenCounter } from '../proxy/index.ts'
import { openService, TARGET_FLAGS } from '../service/index.ts'

/** `sotto proxy` */
export const proxy: Command = defineCommand({
  path: ['proxy'],
  summary: 'Serve the OpenAI API on this machine, verified and encrypted',
  description:
    'Verifies the service, then answers OpenAI and Azure OpenAI requests on a local address and sends ' +
    'them encrypted to verified enclaves only. /sotto/trust shows the verdict, /sotto/receipts the receipts.\n\n' +
    'For an organisation it speaks TLS, has users of its own with keys or client certificates, and shares fairly what it\n' +
    'sends: all users behind it are one client to the service. SIGHUP reads certificates and users again; so does a change\n' +
    'of their files.',
  flags: {
    ...TARGET_FLAGS,
    listen: { type: 'string', value: 'ADDRESS', summary: 'address to listen on (default 127.0.0.1)' },
    port: {
      type: 'number',
      short: 'p',
      value: 'PORT',
      summary: 'port (default 8787)',
      min: 0,
      max: 65_535,
      integer: true,
    },
    'api-key': {
      type: 'string',
      value: 'SECRET',
      summary: 'secret that local clients must present (SOTTO_API_KEY)',
    },
    owner: {
      type: 'string',
      value: 'FILE',
      summary: 'owner key, PEM: publish and remove models of that owner at /v1/sealed-models',
    },
    'owner-secret': {
      type: 'string',
      value: 'FILE',
      summary:
        'file with what a program presents to act for the owner (default ~/.config/sotto/proxy-owner.secret)',
    },
    'allow-origin': {
      type: 'string',
      value: 'ORIGIN',
      summary: 'web origin that may call the proxy (repeatable)',
      repeats: true,
    },
    'allow-host': {
      type: 'string',
      value: 'NAME',
      summary: 'further Host name to answer to (repeatable)',
      repeats: true,
    },
    'tls-cert': { type: 'string', value: 'FILE', summary: 'certificate and its chain, PEM: speak TLS' },
    'tls-key': { type: 'string', value: 'FILE', summary: 'private key of the certificate, PEM, mode 0600' },
    'client-ca': {
      type: 'string',
      value: 'FILE',
      summary: 'CAs, PEM: every client shows a certificate of theirs, which names its user',
    },
    users: { type: 'string', value: 'FILE', summary: 'users that may use the proxy (sotto proxy users add)' },
    'max-concurrent': {
      type: 'number',
      value: 'N',
      summary: 'requests at once, of all users; more wait, fairly',
      min: 1,
      max: 100_000,
      integer: true,
    },
    'max-waiting': {
      type: 'number',
      value: 'N',
      summary: 'requests that wait at most (default 256)',
      min: 0,
      max: 100_000,
      integer: true,
    },
    'max-wait': {
      type: 'number',
      value: 'SECONDS',
      summary: 'how long a request waits at most (default 30)',
      min: 1,
      max: 3600,
    },
    metrics: {
      type: 'string',
      value: 'ADDRESS',
      summary: 'serve /metrics, /livez and /readyz there: PORT or HOST:PORT',
    },
    app: { type: 'boolean', summary: "serve the pages of the service's own app as well" },
    grace: {
      type: 'number',
      value: 'SECONDS',
      summary: 'let what is under way finish at the end (default 10 with users, else 0)',
      min: 0,
      max: 3600,
    },
    'log-requests': {
      type: 'boolean',
      summary: 'a line of JSON for each request on standard error, no content',
    },
    'log-users': { type: 'boolean', summary: 'name users in these lines and in the metrics' },
  },
  examples: [
    'sotto proxy',
    'OPENAI_BASE_URL=http://127.0.0.1:8787/v1 OPENAI_API_KEY=any python app.py',
    'sotto proxy --listen 0.0.0.0 --allow-host ai.example --tls-cert tls.crt --tls-key tls.key --users users.json --metrics 9090',
  ],
  async run(context, _args, flags) {
    const apiKey = flags['api-key'] ?? (context.io.env['SOTTO_API_KEY'] || undefined)
    if (apiKey === '') throw cliError('CLI_USAGE', 'the local secret is empty')
    if (flags['owner-secret'] !== undefined && flags.owner === undefined)
      throw cliError('CLI_USAGE', '--owner-secret is for a proxy with --owner')
    const tls = tlsOf(context, flags)
    const limits = limitsOf(flags)
    const metrics = flags.metrics === undefined ? undefined : parseAddress('metrics', flags.metrics)
    const hasUsers = flags.users !== undefined || tls?.clientCaFile !== undefined
    const secretFile = proxySecretFile(context.io, flags['owner-secret'])
    const sotto = await openService(context, flags, { isLongLived: true })
    const owner =
      flags.owner === undefined ? undefined : await openOwnersDesk(context, flags.owner, secretFile)
    const countTokens = metrics && (await tokenCounter(context, flags))
    const running = await startProxy({
      sotto,
      now: () => Math.floor(context.io.now() / 1000),
      ...(tls && { tls }),
      ...(limits && { limits }),
      ...(metrics && { metrics }),
      ...(countTokens && { countTokens }),
      ...(flags.users !== undefined && { usersFile: resolve(context.io.cwd, flags.users) }),
      ...(flags.app && { app: true }),
      ...((flags['log-requests'] || flags['log-users']) && {
        writeLog: (line: string) => void context.io.stderr.write(line),
        logUsers: flags['log-users'],
      }),
      ...(owner && { owner }),
      ...(flags.listen !== undefined && { host: flags.listen }),
      ...(flags.port !== undefined && { port: flags.port }),
      ...(apiKey !== undefined && { apiKey }),
      ...(flags['allow-origin'] !== undefined && { origins: flags['allow-origin'] }),
      ...(flags['allow-host'] !== undefined && { allowedHosts: flags['allow-host'] }),
    })
    const graceMs = (flags.grace ?? (hasUsers ? DEFAULT_GRACE_SECONDS : 0)) * 1000
    context.onExit(() => (graceMs === 0 ? running.close() : running.drain(graceMs)))
    if (hasUsers || tls) reloadOnSignal(context, running)
    if (!tls && flags.listen !== undefined && !isLoopback(flags.listen))
      context.warn('warning: without --tls-cert everything between users and this machine is in clear')
    if (context.global.json)
      context.json({
        url: running.url,
        ...(running.metricsUrl !== undefined && { metrics: running.metricsUrl }),
        software: sotto.trust.software,
        ...(owner && { ownerSecretFile: secretFile }),
      })
    else context.out(`OPENAI_BASE_URL=${running.url}/v1`)
    if (owner)
      context.note(`who acts for the owner presents what is in ${secretFile}, as Authorization: Bearer …`)
    context.note('press Ctrl-C to stop')
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve()
      else context.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    return EXIT.interrupted
  },
})

/** Time that answers under way get where the proxy is not one person's. */
const DEFAULT_GRACE_SECONDS = 10

/** @throws `PROXY_CONFIG` half of a pair */
function tlsOf(
  { io }: CommandContext,
  flags: { 'tls-cert': string | undefined; 'tls-key': string | undefined; 'client-ca': string | undefined },
): ProxyTls | undefined {
  const { 'tls-cert': cert, 'tls-key': key, 'client-ca': ca } = flags
  if (cert === undefined && key === undefined && ca === undefined) return undefined
  if (cert === undefined || key === undefined)
    throw clientError('PROXY_CONFIG', 'TLS takes a certificate and its private key', {
      expected: '--tls-cert FILE and --tls-key FILE',
    })
  return {
    certFile: resolve(io.cwd, cert),
    keyFile: resolve(io.cwd, key),
    ...(ca !== undefined && { clientCaFile: resolve(io.cwd, ca) }),
  }
}

function limitsOf(flags: {
  'max-concurrent': number | undefined
  'max-waiting': number | undefined
  'max-wait': number | undefined
}): AdmissionOptions | undefined {
  const { 'max-concurrent': maxConcurrent, 'max-waiting': maxWaiting, 'max-wait': maxWait } = flags
  if (maxConcurrent === undefined && maxWaiting === undefined && maxWait === undefined) return undefined
  return {
    ...(maxConcurrent !== undefined && { maxConcurrent }),
    ...(maxWaiting !== undefined && { maxWaiting }),
    ...(maxWait !== undefined && { maxWaitMs: maxWait * 1000 }),
  }
}

/** As daemons do. Without anything to read again the signal ends the proxy, as it always did. */
function reloadOnSignal(context: CommandContext, running: { reload(): Promise<void> }): void {
  const onHangUp = (): void => void running.reload()
  process.on('SIGHUP', onHangUp)
  context.onExit(() => void process.off('SIGHUP', onHangUp))
}

/** The owner, and the secret that programs act for it with: made on first use. */
async function openOwnersDesk(
  { io }: CommandContext,
  keyFile: string,
  secretFile: string,
): Promise<ProxyOwner> {
  const [{ owner }, secret] = await Promise.all([
    openOwner(ownerKeyFile(io, keyFile)),
    openProxySecret(secretFile),
  ])
  return { owner, secret }
}
