import { join } from 'node:path'
import { crypto } from '@sotto/protocol/crypto-backend'
import { uploadLimits } from '@sotto/protocol/sizes'
import { readConfig } from '@sotto/serve/config'
import { createClock } from '@sotto/serve/clock'
import { withHealth, type Readiness } from '@sotto/serve/health'
import { createLogClient } from '@sotto/serve/log-client'
import { createLogger } from '@sotto/serve/logging'
import { createMetrics } from '@sotto/serve/metrics'
import type { RoleContext } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { requireMeasuredConfig, type TrustedHardware } from '@sotto/serve/tee'
import { pause } from '../pause/index.ts'
import {
  type ApiOptions,
  createApi,
  createRoomRoutes,
  modelDigestOf,
  onlyComputes,
  type ServedModel,
} from '../api/index.ts'
import { EngineHost, runAs } from '../engines/index.ts'
import { createAzureGateway, isAzureKey } from '../compat/index.ts'
import {
  createDateWindow,
  createGateway,
  createKeyRing,
  GATEWAY_STATUSES,
  type GatewayOptions,
} from '../gateway/index.ts'
import { createKeptFetch } from '../gateway/tokens/index.ts'
import { addUpstreams, checkAliases, limitToDataUse, loadModels } from '../models/index.ts'
import { createWaitingRoom } from '../ram/waiting-room.ts'
import { createKeeper, createKmsClient, createReceiptKey, TICK_SECONDS, verifyKms } from '../release/index.ts'
import { createUsageLedger, createUsagePublisher, meterModel } from '../usage/index.ts'
import { APP_EVENTS, AUTHORITIES, openApp, releasedApp } from './app.ts'
import { inferenceConfig } from './config.ts'
import { createExpiry } from './expiry.ts'
import { innerRoutes } from './inner-routes.ts'
import { openOwnedModels } from './owned-models.ts'
import { codeOf, describeFailure } from './describe-failure.ts'
import { openReceiptLog } from './receipt-log.ts'
import { measuredProgram } from './measured-program.ts'
import { requireOwnKind } from './own-kind.ts'
import { startBeside } from './start-beside.ts'
import { startPatiently } from './start-patiently.ts'
import { openTokens, watchForever } from './tokens.ts'
import { withUsage } from './usage-route.ts'

/** Clocks of clients may differ this much from ours. */
const DATE_WINDOW_MS = 300_000
/** Requests one key's replay window can remember; more are refused, never forgotten. */
const REPLAY_ENTRIES = 262_144
/** Recordings that wait at once for the fields behind them: each is a descriptor. */
const WAITING_FILES = 128
/** Time in which a relay that asks every second hears that this enclave is about to end, and sends nothing more. */
const NOTICE_MS = 3000

const EVENTS = {
  listening: { url: 'address' },
  sandbox: { full: 'flag' },
  serving: { models: 'count' },
  refused: { code: 'code' },
  'attest-failed': { code: 'code' },
  'model-failed': { code: 'code' },
  'engine-failed': { code: 'code', expected: 'digest', found: 'digest' },
  'receipt-log-failed': { code: 'code' },
  ...APP_EVENTS,
} as const

/** Bearer token for appends to the log, where receipts are logged. */
const APPEND_TOKEN = 'SOTTO_LOG_APPEND_TOKEN'

/** How this composition differs between hardware and the software TEE. */
export interface InferenceOptions {
  /** `full`: refuse to start where engines cannot have their own uid and no network (T19). */
  sandbox: 'full' | 'best-effort'
  /** For tests that run sources: an engine that is part of no image and that nobody measures. */
  unmeasuredEngine?: string
}

/**
 * Runs an inference enclave in this process: measured configuration, release, models, gateway. Ready
 * means attested, keys held and models loaded; before that nothing is answered but health.
 */
export async function runInference(
  context: RoleContext,
  hardware: TrustedHardware,
  options: InferenceOptions,
): Promise<void> {
  const { config, sha256 } = await readConfig(context.configPath, inferenceConfig)
  requireOwnKind(config, hardware)
  await requireMeasuredConfig(
    { path: context.configPath, sha256, imageFolder: import.meta.dirname },
    await hardware.collectEvidence(new Uint8Array(64)),
  )
  const logger = createLogger('inference', EVENTS)
  const clock = createClock()
  const nowSeconds = clock.now
  const expiry = createExpiry(config.expiresAt, nowSeconds)
  expiry.requireBefore()
  const metrics = createMetrics()
  const onEngineFailed = (reason: Error): void => logger.log('engine-failed', describeFailure(reason))
  /** What engines and the app are started from, as it was measured; undefined: sources, in development. */
  const program = options.unmeasuredEngine === undefined ? measuredProgram(import.meta.dirname) : undefined
  const host = await EngineHost.open({
    entry: options.unmeasuredEngine ?? join(import.meta.dirname, 'engine.js'),
    ...(program && { program }),
    require: options.sandbox,
    ...(config.llamaServer && { llamaServer: config.llamaServer }),
    onFailed: onEngineFailed,
  })
  context.onShutdown(() => host.close())
  metrics.observed('sotto_requests_waiting', 'Requests that wait for an engine.', () => host.waiting)
  logger.log('sandbox', { full: host.sandbox.full })
  const app = await openApp(config, {
    program,
    require: options.sandbox,
    logger,
    metrics,
    api: () => apiOptions,
  })
  if (app) context.onShutdown(() => app.close())

  const keys = createKeyRing({
    now: nowSeconds,
    keepMs: 2 * DATE_WINDOW_MS,
    maxEntries: REPLAY_ENTRIES,
    keepForLife: (held) => config.compat === 'azure' && isAzureKey(held),
  })
  // Not the wall clock, which the host sets: with it a restart would reopen what was answered before (T12).
  const dates = createDateWindow({ windowMs: DATE_WINDOW_MS, now: () => clock.witnessed() * 1000 })
  const ledger = createUsageLedger()
  let models: ServedModel[] = []
  let areModelsLoaded = false
  const { log: logPolicy, witnesses } = config.policy
  const appendToken = context.env[APPEND_TOKEN]
  const log = createLogClient({
    url: config.log.url,
    ...logPolicy,
    ...(appendToken !== undefined && { appendToken }),
    witnesses: {
      keys: witnesses.keys
        .filter(({ operator }) => !operator || witnesses.allowOperatorWitnesses)
        .map(({ key }) => key),
      quorum: witnesses.quorum,
    },
  })
  const kms = expiry.guard(createKmsClient(config.kms.urls, createKeptFetch()))
  const receiptKey = createReceiptKey()
  const judging = { kms, log, policy: config.policy, now: nowSeconds, observe: clock.observe }
  const tokens =
    config.tokens &&
    openTokens(config.tokens, {
      log,
      now: nowSeconds,
      kms,
      genesis: config.policy.genesis,
      receiptKey,
      receipt: () => keeper.receipt(),
      statementKey: async () => (await verifyKms(judging)).service.signingKey,
    })
  if (tokens) context.onShutdown(() => tokens.leave())
  const release = {
    ...judging,
    hardware,
    receiptKey,
    ...(config.dataUse !== undefined && { dataUse: config.dataUse }),
    ...(config.app && { app: releasedApp(config.app) }),
  }
  const keeper = createKeeper({
    ...release,
    artifacts: [...config.models.artifacts.map(({ id }) => id), ...(app?.artifacts ?? [])],
    keys,
    dates,
    async onArtifacts(contentKeys) {
      if (areModelsLoaded) return
      await app?.open(contentKeys)
      const loaded = await loadModels(config.models, contentKeys, host, nowSeconds)
      models = (await addUpstreams(loaded, config.upstreams, nowSeconds, onEngineFailed)).map(prepare)
      checkAliases(config.aliases, models, owned !== undefined)
      areModelsLoaded = true
    },
  })

  const prepare = (model: ServedModel): ServedModel =>
    meterModel(limitToDataUse(model, config.dataUse), ledger)
  const owned = openOwnedModels(config, {
    ...release,
    host,
    prepare,
    onFailed: (error) => logger.log('model-failed', { code: codeOf(error) }),
  })
  if (owned) context.onShutdown(() => owned.models.close())
  const unlogged = (error: unknown): void => logger.log('receipt-log-failed', { code: codeOf(error) })
  const receiptLog = openReceiptLog(config.dataUse, appendToken, {
    append: (entry) => log.append(entry),
    identity: keeper.identity,
    onFailed: unlogged,
  })
  if (receiptLog) context.onShutdown(() => receiptLog.end())
  /** Whether the log has taken the first batch, where receipts are logged: nothing is answered before. */
  let isLogging = receiptLog === undefined
  /** Whether the app has been healthy once, where there is one: nothing is answered before. */
  let isAppStarted = app === undefined
  const usage = createUsagePublisher({
    ledger,
    identity: keeper.identity,
    certificate: keeper.certificate,
    now: nowSeconds,
  })
  const refusals = metrics.counter('sotto_gateway_refusals_total', 'Refused messages.', {
    code: Object.keys(GATEWAY_STATUSES),
  })
  const limits = uploadLimits(config.maxUploadBytes)
  const apiOptions: ApiOptions = {
    models: { list: () => models, aliases: config.aliases, ...(owned && { onDemand: owned.models }) },
    sealedModels: owned?.routes,
    rooms:
      config.rooms &&
      createRoomRoutes({
        kmsUrls: config.kms.urls,
        boardUrl: config.rooms.boards,
        roomUrl: config.rooms.room,
      }),
    clock: { now: nowSeconds, randomBytes: (length) => crypto.randomBytes(length) },
    maxUploadBytes: limits.fileBytes,
    waitingRoom: createWaitingRoom({ maxFiles: WAITING_FILES, maxBytes: config.maxWaitingBytes }),
  }
  const gatewayOptions: GatewayOptions = {
    keys,
    inner: innerRoutes(createApi(apiOptions), keeper.certificate, app?.answer),
    ...(app && { authorities: AUTHORITIES }),
    modelOf: modelDigestOf,
    identity: () => (areModelsLoaded && isLogging && isAppStarted ? keeper.identity() : undefined),
    isExpired: expiry.isOver,
    areWitnessesSilent: () => keeper.idleBecause() === 'WITNESSES_SILENT',
    trustBundle: () => keeper.published()?.bundle,
    trustFor: keeper.bundleFor,
    dates,
    tokens: tokens?.gate,
    onlyComputes,
    runAs,
    limits: { contentBytes: limits.messageBytes },
    ...(receiptLog && { onReceipt: (receipt) => receiptLog.log.add(receipt) }),
    onError(code) {
      refusals.add({ code })
      logger.log('refused', { code })
    },
  }
  const gateway =
    config.compat === 'azure' ? createAzureGateway(gatewayOptions) : createGateway(gatewayOptions)
  const readiness = (): Readiness => {
    if (expiry.isOver()) return { ready: false, code: 'DEPLOYMENT_EXPIRED' }
    // Once it was there, an app that is not must not take the models away: any client could have ended it.
    const missing = isAppStarted ? undefined : app?.trouble
    const code = (areModelsLoaded ? keeper.idleBecause() : 'NOT_ATTESTED') ?? missing
    if (code !== undefined) return { ready: false, code }
    if (!isLogging) return { ready: false, code: 'RECEIPT_LOG_BEHIND' }
    const degraded = app?.trouble ?? receiptLog?.log.trouble
    return { ready: true, ...(degraded !== undefined && { degraded }) }
  }
  const server = await startServer(withHealth(gateway, readiness), {
    ...config.listen,
    statuses: GATEWAY_STATUSES,
    noticeMs: NOTICE_MS,
    drainMs: config.drainSeconds * 1000,
  })
  context.onShutdown(() => server.close(), NOTICE_MS + config.drainSeconds * 1000)
  logger.log('listening', { url: server.url })
  if (config.metrics !== undefined) {
    const metricsServer = await startServer(withUsage(metrics.app, usage), config.metrics)
    context.onShutdown(() => metricsServer.close())
  }

  let isEnding = false
  context.onShutdown(() => {
    isEnding = true
  })
  const report = (error: unknown): void => logger.log('attest-failed', { code: codeOf(error) })
  if (!(await startPatiently(keeper, () => isEnding, report))) return
  if (receiptLog) {
    if (!(await startPatiently(receiptLog.log, () => isEnding, unlogged))) return
    isLogging = true
    void receiptLog.run(() => isEnding)
  }
  await tokens?.refresh().catch(report)
  await tokens?.watch().catch(report)
  if (tokens) void watchForever(tokens, () => isEnding || expiry.isOver(), report)
  async function serve(): Promise<void> {
    await app?.start()
    isAppStarted = true
    logger.log('serving', { models: models.length })
    context.ready({ http: server.url })
    void owned?.models.tick()
  }
  async function keepFresh(): Promise<void> {
    while (!isEnding) {
      await pause(TICK_SECONDS * 1000)
      if (expiry.isOver()) {
        keys.install([])
        await app?.close()
        return
      }
      // A failed tick leaves what is held: keys and bundle expire by themselves when it goes on too long.
      await keeper.tick().catch(report)
      await tokens?.refresh().catch(report)
      void owned?.models.tick()
      usage.tick()
    }
  }
  await startBeside(serve, keepFresh, () => isEnding || expiry.isOver())
}
