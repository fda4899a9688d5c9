import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '@sotto/protocol/bytes'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'
import type { RoomEvidence } from '@sotto/protocol/room'
import { createClock } from '@sotto/serve/clock'
import { readConfig } from '@sotto/serve/config'
import { type Readiness, withHealth } from '@sotto/serve/health'
import { createConcurrencyLimiter } from '@sotto/serve/limits'
import { createLogClient } from '@sotto/serve/log-client'
import { createLogger } from '@sotto/serve/logging'
import { createMetrics } from '@sotto/serve/metrics'
import type { RoleContext } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { requireMeasuredConfig, type TrustedHardware } from '@sotto/serve/tee'
import { EngineHost } from '../engines/index.ts'
import { pause } from '../pause/index.ts'
import { collectBound, createKmsClient, createReceiptKey, TICK_SECONDS, verifyKms } from '../release/index.ts'
import {
  type ContainerEngine,
  type ContainerProgram,
  createContainerEngine,
  measuredContainerProgram,
} from '../room/container/index.ts'
import {
  createBoardFiles,
  createKmsCalls,
  createRoomApp,
  GoodQueries,
  requireRunnable,
  ROOM_STATUSES,
  RunTable,
  type StepTools,
} from '../room/index.ts'
import { codeOf, describeFailure } from './describe-failure.ts'
import { measuredProgram } from './measured-program.ts'
import { requireOwnKind } from './own-kind.ts'
import { roomConfig } from './room-config.ts'
import { startPatiently } from './start-patiently.ts'

/** Evidence for calls is collected again after this long, well before any policy calls it old. */
const REATTEST_MS = 600_000
/** Runs that wait for a place to compute in. */
const MAX_WAITING_RUNS = 256

const EVENTS = {
  listening: { url: 'address' },
  sandbox: { full: 'flag' },
  queries: { available: 'flag' },
  containers: { available: 'flag' },
  refused: { code: 'code' },
  'attest-failed': { code: 'code' },
  'engine-failed': { code: 'code', expected: 'digest', found: 'digest' },
} as const

/** How this composition differs between hardware and the software TEE. */
export interface RoomOptions {
  /** `full`: refuse to start where engines cannot have their own uid and no network (T19). */
  sandbox: 'full' | 'best-effort'
  /** For tests that run sources: programs that are part of no image, and a folder with DuckDB. */
  unmeasured?: {
    engine: string
    sql: string
    wasm: string
    train: string
    part?: string
    container: ContainerProgram
  }
}

/**
 * Runs a clean room in this process. Ready means that it can show fresh evidence; keys it gets for single runs only, each
 * of which the KMS judges anew.
 */
export async function runRoom(
  context: RoleContext,
  hardware: TrustedHardware,
  { sandbox, unmeasured }: RoomOptions,
): Promise<void> {
  const { config, sha256 } = await readConfig(context.configPath, roomConfig)
  requireOwnKind(config, hardware)
  const image = import.meta.dirname
  await requireMeasuredConfig(
    { path: context.configPath, sha256, imageFolder: image },
    await hardware.collectEvidence(new Uint8Array(64)),
  )
  const logger = createLogger('room', EVENTS)
  const clock = createClock()
  const metrics = createMetrics()
  const program = unmeasured === undefined ? measuredProgram(image) : undefined
  const host = await EngineHost.open({
    entry: unmeasured?.engine ?? join(image, 'engine.js'),
    ...(program && { program }),
    require: sandbox,
    ...(config.llamaServer && { llamaServer: config.llamaServer }),
    onFailed: (reason) => logger.log('engine-failed', describeFailure(reason)),
  })
  context.onShutdown(() => host.close())
  logger.log('sandbox', { full: host.sandbox.full })
  const { queries } = config
  const part = unmeasured === undefined ? image : unmeasured.part
  const hasQueries = part !== undefined && existsSync(join(part, 'node_modules/@duckdb/node-api'))
  logger.log('queries', { available: hasQueries })
  const container = await openContainers(
    program === undefined ? unmeasured!.container : measuredContainerProgram(program),
    sandbox,
  )
  if (container) context.onShutdown(() => container.close())
  logger.log('containers', { available: container !== undefined })
  const tools: StepTools = {
    host,
    wasm: { entry: unmeasured?.wasm ?? join(image, 'wasm.js') },
    // The Node thread of a trainer needs a core of its own.
    train: {
      entry: unmeasured?.train ?? join(image, 'train.js'),
      threads: Math.max(1, availableParallelism() - 1),
    },
    ...(container && { container }),
    ...(hasQueries && {
      sql: {
        entry: unmeasured?.sql ?? join(image, 'sql.js'),
        part,
        memoryBytes: queries.memoryBytes,
        threads: queries.threads,
        timeoutMs: queries.seconds * 1000,
      },
    }),
  }

  const { log: logPolicy, witnesses } = config.policy
  const log = createLogClient({
    url: config.log.url,
    ...logPolicy,
    witnesses: {
      keys: witnesses.keys
        .filter(({ operator }) => !operator || witnesses.allowOperatorWitnesses)
        .map(({ key }) => key),
      quorum: witnesses.quorum,
    },
  })
  const kms = createKmsClient(config.kms.urls)
  const judging = { kms, log, policy: config.policy, now: clock.now, observe: clock.observe, hardware }
  const places = createConcurrencyLimiter({ running: config.maxRunning, waiting: MAX_WAITING_RUNS })
  const kmsCalls = createKmsCalls(kms)
  const good = new GoodQueries()
  const runs = new RunTable({
    prepare: {
      ...judging,
      contracts: kmsCalls,
      maxInputBytes: config.maxInputBytes,
      maxResultBytes: config.maxResultBytes,
      requireRunnable: (plan) => requireRunnable(plan, tools, good),
    },
    parts: {
      kms: kmsCalls,
      async service() {
        const { service, bundle } = await verifyKms(judging)
        return { ...service, bundle: encodeTrustBundle(bundle) }
      },
      board: createBoardFiles(config.boards.url),
      tools,
      maxResultBytes: config.maxResultBytes,
      now: clock.now,
      inTurn: (work) => places.run(work),
    },
  })
  context.onShutdown(() => runs.close())

  // Calls to this room are sealed to this key, for as long as it lives; runs have keys of their own.
  const callKey = WRAP_SUITE.kem.generate()
  const receiptKey = createReceiptKey()
  let shown: { json: Uint8Array; at: number } | undefined
  async function attest(): Promise<void> {
    const keys = { wrapKey: callKey.publicKey, receiptKey: receiptKey.publicKey }
    const { binding, pieces, checkpoint } = await collectBound(judging, keys)
    const evidence: RoomEvidence = { evidence: pieces, binding, checkpoint: checkpoint.note }
    shown = { json: utf8(JSON.stringify(evidence)), at: performance.now() }
  }

  const refusals = metrics.counter('sotto_room_refusals_total', 'Refused calls, in sealed calls too.', {})
  const app = createRoomApp({
    callKey,
    shown: () => shown?.json,
    runs,
    onRefused(code) {
      refusals.add({})
      logger.log('refused', { code })
    },
  })
  const readiness = (): Readiness => (shown ? { ready: true } : { ready: false, code: 'NOT_ATTESTED' })
  const server = await startServer(withHealth(app, readiness), { ...config.listen, statuses: ROOM_STATUSES })
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
  const report = (error: unknown): void => logger.log('attest-failed', { code: codeOf(error) })
  const starter = { start: attest, tick: attest }
  if (!(await startPatiently(starter, () => isEnding, report))) return
  context.ready({ http: server.url })
  while (!isEnding) {
    await pause(TICK_SECONDS * 1000)
    runs.sweep()
    // What failed leaves what was shown: whoever looks at it judges how old it is.
    if (performance.now() - shown!.at >= REATTEST_MS) await attest().catch(report)
  }
}

/** Containers need more of a machine than models and queries do: a room without them still does the rest. */
async function openContainers(
  program: ContainerProgram,
  require: RoomOptions['sandbox'],
): Promise<ContainerEngine | undefined> {
  try {
    return await createContainerEngine({ program, require })
  } catch (error) {
    if (codeOf(error) === 'ROOM_CONTAINER_SANDBOX') return undefined
    throw error
  }
}
