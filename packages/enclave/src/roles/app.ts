import type { ReleasedApp } from '@sotto/protocol/keyrelease'
import type { Logger } from '@sotto/serve/logging'
import type { Metrics } from '@sotto/serve/metrics'
import { type ApiOptions, createApi } from '../api/index.ts'
import {
  apiForApp,
  type AppConfig,
  createOwnApp,
  type OwnApp,
  measuredAppProgram,
  modelsForApp,
  unmeasuredAppProgram,
} from '../app/index.ts'
import type { EngineProgram } from '../engines/index.ts'
import { APP_AUTHORITY, INNER_AUTHORITY, type InnerApp } from '../gateway/index.ts'
import { createWaitingRoom } from '../ram/waiting-room.ts'
import type { InferenceConfig } from './config.ts'
import { codeOf } from './describe-failure.ts'

/** Events of an app, for the allow-list of the role. What it prints is nobody's. */
export const APP_EVENTS = {
  'app-sandbox': { full: 'flag', diesFirst: 'flag' },
  'app-healthy': { restarts: 'count' },
  'app-ended': { status: 'count' },
  'app-failed': { code: 'code' },
} as const

/** Recordings of the app that wait at once. */
const WAITING_FILES = 16

/** What the role lends its app. */
export interface AppParts {
  /** The image this role runs from; undefined: sources, in development, where nothing is measured. */
  readonly program: EngineProgram | undefined
  readonly require: 'full' | 'best-effort'
  readonly logger: Pick<Logger<typeof APP_EVENTS>, 'log'>
  readonly metrics: Metrics
  /** What the inner API is made of, once there is one. */
  api(): ApiOptions
}

/** The authorities of a gateway that serves an app. */
export const AUTHORITIES: readonly string[] = [INNER_AUTHORITY, APP_AUTHORITY]

/** What a release statement has to say about this app (T20). */
export function releasedApp({ name, code }: AppConfig): ReleasedApp {
  return { name, sha256: code.sha256 }
}

/**
 * The inner API of an app. Its recordings wait in a room of their own, for one of the largest: an app that fills it is in
 * nobody's way.
 */
export function createAppApi(options: ApiOptions, pinned: readonly string[]): InnerApp {
  const { sealedModels: _owners, rooms: _parties, models, maxUploadBytes, ...rest } = options
  const waitingRoom = createWaitingRoom({ maxFiles: WAITING_FILES, maxBytes: maxUploadBytes })
  return createApi({ ...rest, models: modelsForApp(models, pinned), maxUploadBytes, waitingRoom })
}

/**
 * Prepares the app of this deployment; undefined where the configuration has none.
 * @throws `APP_SANDBOX`, `ENGINE_PROGRAM_CHANGED`
 */
export async function openApp(
  { app: config, models }: Pick<InferenceConfig, 'app' | 'models'>,
  parts: AppParts,
): Promise<OwnApp | undefined> {
  if (config === undefined) return undefined
  const restarts = parts.metrics.counter('sotto_app_restarts_total', 'Starts of the app after its first.', {})
  let api: InnerApp | undefined
  const app = await createOwnApp({
    config,
    program: parts.program ? measuredAppProgram(parts.program) : unmeasuredAppProgram(),
    require: parts.require,
    api: apiForApp((request) => (api ??= createAppApi(parts.api(), models.loaded.pinned))(request)),
    onHealthy(before) {
      if (before > 0) restarts.add({})
      parts.logger.log('app-healthy', { restarts: before })
    },
    onEnded: (status) => parts.logger.log('app-ended', status === undefined ? {} : { status }),
    onFailed: (reason) => parts.logger.log('app-failed', { code: codeOf(reason) }),
  })
  const { full, memory } = app.sandbox
  parts.logger.log('app-sandbox', { full, diesFirst: memory === 'first' })
  return app
}
