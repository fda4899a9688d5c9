import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SottoError } from '@sotto/protocol/errors'
import { readConfig } from '@sotto/serve/config'
import { createLogClient } from '@sotto/serve/log-client'
import { createLogger } from '@sotto/serve/logging'
import { createMetrics } from '@sotto/serve/metrics'
import type { RoleContext } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { requireMeasuredConfig, type TrustedHardware } from '@sotto/serve/tee'
import { createClock } from './clock/index.ts'
import { decodeKmsConfig, type KmsConfig } from './config/index.ts'
import { Kms, type KmsParts } from './core/index.ts'
import { kmsError } from './errors.ts'
import { createKmsApp } from './http/index.ts'
import { openSqliteStore } from './store/index.ts'

/** Context of the sealing key of the store. */
const SEALING_CONTEXT = 'sotto kms store v1'
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
  epoch: { epoch: 'count', keys: 'count' },
  refused: { code: 'code', status: 'count' },
  'start-failed': { code: 'code' },
  'tick-failed': { code: 'code' },
} as const

/**
 * Runs a KMS in this process until the role is told to end: measured configuration, sealed store,
 * HTTP server, ticks. Serves `/livez` from the beginning and the rest once the log has answered.
 * @throws `CONFIG_*`, `KMS_POLICY_MIXED`, `TEE_*`, `KMS_STORE_*`
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

  await mkdir(config.store, { recursive: true, mode: 0o700 })
  const sealingKey = await hardware.deriveSealingKey(SEALING_CONTEXT)
  const store = openSqliteStore({ path: join(config.store, 'kms.sqlite'), sealingKey })
  sealingKey.fill(0)
  context.onShutdown(() => store.close())

  let kms: Kms | undefined
  const app = createKmsApp({
    kms: () => kms,
    onRelease: () => releases.add({}),
    onError(code, status) {
      refusals.add({ status: String(status) })
      logger.log('refused', { code, status })
    },
  })
  const server = await startServer(app, config.listen)
  context.onShutdown(() => server.close())
  logger.log('listening', { url: server.url })
  if (config.metrics !== undefined) {
    const metricsServer = await startServer(metrics.app, config.metrics)
    context.onShutdown(() => metricsServer.close())
  }

  let isEnding = false
  context.onShutdown(() => {
    isEnding = true
  })
  kms = await startPatiently(
    { config, store, hardware, clock: createClock(), openLog: logOpener(config, context) },
    () => isEnding,
    (code) => logger.log('start-failed', { code }),
  )
  if (kms === undefined) return
  const { state } = kms.view
  logger.log('serving', { genesis: state.identity!.digest, epoch: state.epoch?.number ?? 0 })
  context.ready({ http: server.url })
  void tickForever(kms, config, () => isEnding, {
    onEpoch(epoch, keys) {
      epochs.set({}, epoch)
      logger.log('epoch', { epoch, keys })
    },
    onError: (code) => logger.log('tick-failed', { code }),
    onStop: (error) => context.stop(error),
  })
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
  if (isSoftware && !['127.0.0.1', '::1'].includes(config.listen.host)) {
    throw kmsError('KMS_POLICY_MIXED', 'a KMS in the software TEE listens on loopback only', {
      found: config.listen.host,
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
  isEnding: () => boolean,
  onRetry: (code: string) => void,
): Promise<Kms | undefined> {
  while (!isEnding()) {
    try {
      return await Kms.start(parts)
    } catch (error) {
      if (!(error instanceof SottoError) || error.action !== 'retry') throw error
      onRetry(error.code)
      await pause(START_RETRY_MS)
    }
  }
  return undefined
}

interface TickReports {
  onEpoch(epoch: number, keys: number): void
  onError(code: string): void
  onStop(error: unknown): void
}

async function tickForever(
  kms: Kms,
  config: KmsConfig,
  isEnding: () => boolean,
  reports: TickReports,
): Promise<void> {
  const tickMs = Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, config.timing.rotationSeconds * 50))
  let shown = 0
  while (!isEnding()) {
    try {
      await kms.tick()
      const { epoch } = kms.view.state
      if (epoch !== undefined && epoch.number !== shown)
        reports.onEpoch((shown = epoch.number), epoch.keyIds.length)
    } catch (error) {
      const isFinal = !(error instanceof SottoError) || error.action === 'stop'
      if (isFinal) return reports.onStop(error)
      reports.onError(error.code)
    }
    await pause(tickMs)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
