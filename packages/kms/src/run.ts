import { hasCode, SottoError } from '@sotto/protocol/errors'
import { readConfig } from '@sotto/serve/config'
import { createLogClient } from '@sotto/serve/log-client'
import { createLogger } from '@sotto/serve/logging'
import { createMetrics } from '@sotto/serve/metrics'
import type { RoleContext } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { requireMeasuredConfig, type TrustedHardware } from '@sotto/serve/tee'
import { createClock, pause } from './clock/index.ts'
import { createAzureApp, createAzureIdentity, createKeySets } from './compat/index.ts'
import { decodeKmsConfig, type KmsConfig } from './config/index.ts'
import { Kms, type KmsParts } from './core/index.ts'
import { kmsError } from './errors.ts'
import { dropExpired, takeOver } from './handover/index.ts'
import { createKmsApp } from './http/index.ts'
import { Replica } from './replicas/index.ts'
import { deriveRoot, type KmsRoot, openRootSource, type RecoveryCeremony } from './root/index.ts'
import { openStore, type StoreAccess } from './store/index.ts'

/** Environment variable with the log's append token. */
const APPEND_TOKEN = 'SOTTO_LOG_APPEND_TOKEN'
/** Pause after a start that failed for a reason that may pass. */
const START_RETRY_MS = 1000
/** Bounds of the pause between two ticks. */
const MIN_TICK_MS = 500
const MAX_TICK_MS = 15_000

const EVENTS = {
  listening: { url: 'address' },
  serving: { genesis: 'digest', epoch: 'count' },
  standby: { code: 'code' },
  waiting: { genesis: 'digest' },
  'taken-over': { genesis: 'digest', keys: 'count' },
  epoch: { epoch: 'count', keys: 'count' },
  refused: { code: 'code', status: 'count' },
  'start-failed': { code: 'code' },
  'tick-failed': { code: 'code' },
} as const

/**
 * Runs a KMS in this process until the role is told to end: measured configuration, sealed store,
 * HTTP server, ticks. Serves `/livez` from the beginning and the rest once the log has answered and the root secret
 * is here; of replicas that share a store, one serves.
 * @throws `CONFIG_*`, `KMS_POLICY_MIXED`, `TEE_*`, `KMS_STORE_*`, `KMS_ROOT_*`, `KMS_NO_SHARES`
 */
export async function runKms(context: RoleContext, hardware: TrustedHardware): Promise<void> {
  const { config, sha256 } = await readConfig(context.configPath, decodeKmsConfig)
  requireOwnKind(config, hardware)
  await requireMeasuredConfig(
    { path: context.configPath, sha256, imageFolder: import.meta.dirname },
    await hardware.collectEvidence(new Uint8Array(64)),
  )
  const logger = createLogger('kms', EVENTS)
  const metrics = createMetrics()
  const releases = metrics.counter('sotto_kms_releases_total', 'Answered requests for keys.', {})
  const refusals = metrics.counter('sotto_kms_refusals_total', 'Refused requests.', {
    status: ['400', '403', '409', '429', '503'],
  })
  const epochs = metrics.gauge('sotto_kms_epoch', 'Number of the current key set.', {})

  let access: StoreAccess | undefined
  let replica: Replica | undefined
  let ceremony: RecoveryCeremony | undefined
  let isAnnounced = false
  const openLog = logOpener(config, context)
  const app = createKmsApp({
    kms: () => replica?.kms,
    isStandby: () => replica?.isStandby === true,
    recovery: () => ceremony,
    onRelease: () => releases.add({}),
    onError: onRefused,
  })
  const ending = new AbortController()
  // Closed in this order: no new work, the server drained, the store given up, the store.
  context.onShutdown(() => access?.close())
  context.onShutdown(() => replica?.close())
  context.onShutdown(() => replica?.kms?.spending.close())
  const server = await startServer(app, config.listen)
  context.onShutdown(() => server.close())
  logger.log('listening', { url: server.url })
  if (config.compat !== undefined) {
    const identity = createAzureIdentity(config.compat.names, Math.floor(Date.now() / 1000))
    const azure = createAzureApp({
      kms: () => replica?.kms,
      identity,
      keySets: createKeySets(),
      name: config.name,
      onRelease: () => releases.add({}),
      onError: onRefused,
    })
    const azureServer = await startServer(azure, { ...config.compat.listen, tls: identity.tls })
    context.onShutdown(() => azureServer.close())
    logger.log('listening', { url: azureServer.url })
  }
  if (config.metrics !== undefined) {
    const metricsServer = await startServer(metrics.app, config.metrics)
    context.onShutdown(() => metricsServer.close())
  }
  context.onShutdown(() => ending.abort())

  const folder = config.root.folder ?? (typeof config.store === 'string' ? config.store : undefined)
  const source = await openRootSource(config.root, folder, hardware)
  const clock = createClock()
  const onRetry = (code: string): void => logger.log('start-failed', { code })
  const taken = await takeOver(
    source,
    { config, hardware, clock, openLog: () => openLog(undefined) },
    { signal: ending.signal, onRetry },
  )
  const obtained =
    taken ??
    (await source.obtain({
      hardware,
      clock,
      openLog: () => openLog(undefined),
      expectGenesis: config.expectGenesis,
      onWaiting(begun) {
        ceremony = begun
        logger.log('waiting', { genesis: begun.document.binding.genesis })
        announce()
      },
      signal: ending.signal,
      onRetry,
    }))
  if (obtained === undefined || ending.signal.aborted) return
  ceremony = undefined
  const root: KmsRoot = { source, obtained }
  const sealingKeys = obtained.secrets.map((secret) => deriveRoot(secret).sealingKey())
  if (taken?.handedOver !== undefined) {
    const { genesis, keys } = taken.handedOver
    logger.log('taken-over', { genesis, keys: keys.length })
    announce()
  }
  access = await openPatiently(
    () => openStore(config.store, { sealingKeys, env: context.env }),
    () => dropExpired(obtained, clock.now()),
    { isHandedOver: taken !== undefined, signal: ending.signal },
  )
  for (const key of sealingKeys) key.fill(0)
  if (access === undefined) return

  // A replica may stand by for long.
  const expiry = setInterval(() => dropExpired(obtained, clock.now()), MAX_TICK_MS).unref()
  context.onShutdown(() => clearInterval(expiry))
  replica = new Replica(access, {
    async start(term, signal) {
      const parts = { config, store: term.store, term, root, hardware, clock: createClock(), openLog }
      const kms = await startPatiently(parts, signal, (code) => logger.log('start-failed', { code }))
      if (kms === undefined) return undefined
      const { state } = kms.view
      logger.log('serving', { genesis: state.identity!.digest, epoch: state.epoch?.number ?? 0 })
      return kms
    },
    async serve(kms, signal) {
      announce()
      await tickForever(kms, signal, {
        onEpoch(epoch, keys) {
          epochs.set({}, epoch)
          logger.log('epoch', { epoch, keys })
        },
        onError: (code) => logger.log('tick-failed', { code }),
      })
    },
    onStandby(code) {
      logger.log('standby', { code })
      if (code === 'KMS_STANDBY') announce()
    },
  })
  await replica.run(ending.signal)

  function onRefused(code: string, status: number): void {
    refusals.add({ status: String(status) })
    logger.log('refused', { code, status })
  }
  function announce(): void {
    if (!isAnnounced) context.ready({ http: server.url })
    isAnnounced = true
  }
}

/** Software and hardware never stand in for each other, and software stays on this machine (T10). */
function requireOwnKind(config: KmsConfig, hardware: TrustedHardware): void {
  const isSoftware = hardware.family === 'software'
  if (config.softwareRoots.length > 0 !== isSoftware) {
    throw kmsError('KMS_POLICY_MIXED', 'the configuration is for the other kind of TEE', {
      expected: isSoftware ? 'softwareRoots' : 'no softwareRoots',
      found: hardware.family,
    })
  }
  const hosts = [config.listen, config.compat?.listen].flatMap((address) => address?.host ?? [])
  const outside = hosts.find((host) => !['127.0.0.1', '::1'].includes(host))
  if (isSoftware && outside !== undefined) {
    throw kmsError('KMS_POLICY_MIXED', 'a KMS in the software TEE listens on loopback only', {
      found: outside,
    })
  }
}

function logOpener(config: KmsConfig, context: RoleContext): KmsParts['openLog'] {
  const appendToken = context.env[APPEND_TOKEN]
  return (lastSeen) =>
    createLogClient({
      ...config.log,
      witnesses: config.witnesses,
      ...(appendToken !== undefined && { appendToken }),
      ...(lastSeen !== undefined && { lastSeen }),
    })
}

async function startPatiently(
  parts: KmsParts,
  signal: AbortSignal,
  onRetry: (code: string) => void,
): Promise<Kms | undefined> {
  while (!signal.aborted) {
    try {
      return await Kms.start(parts)
    } catch (error) {
      if (!(error instanceof SottoError) || error.action !== 'retry') throw error
      onRetry(error.code)
      await pause(START_RETRY_MS, signal)
    }
  }
  return undefined
}

/** Opens the store; after a handover the other KMS may still have it, and is waited for. */
async function openPatiently(
  open: () => Promise<StoreAccess>,
  onWaiting: () => void,
  { isHandedOver, signal }: { isHandedOver: boolean; signal: AbortSignal },
): Promise<StoreAccess | undefined> {
  while (!signal.aborted) {
    try {
      return await open()
    } catch (error) {
      if (!isHandedOver || !hasCode(error, 'KMS_STORE_IN_USE')) throw error
      onWaiting()
      await pause(START_RETRY_MS, signal)
    }
  }
  return undefined
}

interface TickReports {
  onEpoch(epoch: number, keys: number): void
  onError(code: string): void
}

async function tickForever(kms: Kms, signal: AbortSignal, reports: TickReports): Promise<void> {
  let shown = 0
  while (!signal.aborted) {
    try {
      await kms.tick()
      const { epoch } = kms.view.state
      if (epoch !== undefined && epoch.number !== shown)
        reports.onEpoch((shown = epoch.number), epoch.keyIds.length)
    } catch (error) {
      const isFinal = !(error instanceof SottoError) || error.action === 'stop'
      if (isFinal) throw error
      reports.onError(error.code)
    }
    // Members may have changed it.
    const restMs = Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, kms.rotation.rotationSeconds * 50))
    await kms.untilDue(restMs, signal)
  }
}
